package onnxruntime

import (
	"context"
	"runtime"
	"unsafe"
)

// settings say how a session is made.
type settings struct {
	provider provider
	threads  int  // of the host; 0: as many as the process may use
	single   bool // of a single operator, one of many: with the environment's threads, and no memory kept between runs
	exact    bool // no optimisation of the graph
	alone    bool // no other provider takes what this one lacks
	record   bool // which provider takes which node, where the library can tell
}

// sessionOptions makes an OrtSessionOptions.
func (l *library) sessionOptions(set settings) (handle, error) {
	var o handle
	if err := l.check(ortCreateSessionOptions, uintptr(unsafe.Pointer(&o))); err != nil {
		return 0, err
	}
	if err := l.configure(o, set); err != nil {
		l.call(ortReleaseSessionOptions, o)
		return 0, err
	}
	return o, nil
}

func (l *library) configure(o handle, set settings) (err error) {
	apply := func(wanted bool, f func() error) {
		if wanted && err == nil {
			err = f()
		}
	}
	threads := set.threads
	if threads <= 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	const disableAll = 0
	pooled := set.single && threads > 1
	apply(pooled, func() error { return l.check(ortDisablePerSessionThreads, o) })
	apply(!pooled, func() error { return l.check(ortSetIntraOpNumThreads, o, uintptr(threads)) })
	// Threads that spin on after a run would take their cores from the other devices
	// of the process.
	apply(!pooled, func() error { return l.entry(o, "session.force_spinning_stop", "1") })
	apply(set.single, func() error { return l.check(ortDisableCpuMemArena, o) })
	apply(set.exact, func() error { return l.check(ortSetSessionGraphOptimizationLevel, o, disableAll) })
	apply(set.alone && !set.provider.isCPU(), func() error { return l.entry(o, "session.disable_cpu_ep_fallback", "1") })
	apply(set.record && l.has(ortSession_GetEpGraphAssignmentInfo), func() error { return l.entry(o, "session.record_ep_graph_assignment_info", "1") })
	apply(true, func() error { return l.append(o, set.provider) })
	return err
}

// entry sets a configuration entry.
func (l *library) entry(o handle, key, value string) error {
	k, v := append([]byte(key), 0), append([]byte(value), 0)
	return l.check(ortAddSessionConfigEntry, o, uintptr(unsafe.Pointer(&k[0])), uintptr(unsafe.Pointer(&v[0])))
}

// cancelLoad makes the end of the context end the loading of a session with
// these options. The function that it returns ends the watch.
func (l *library) cancelLoad(ctx context.Context, o handle) (stop func()) {
	return whenDone(ctx, func() { l.ignore(l.call(ortSessionOptionsSetLoadCancellationFlag, o, 1)) })
}

// whenDone calls f when the context ends, unless stop is called before; f does
// not run any more once stop has returned.
func whenDone(ctx context.Context, f func()) (stop func()) {
	if ctx.Done() == nil {
		return func() {}
	}
	over := make(chan struct{})
	unwatch := context.AfterFunc(ctx, func() {
		defer close(over)
		f()
	})
	return func() {
		if !unwatch() {
			<-over
		}
	}
}

// ignore releases a status that nobody asks for.
func (l *library) ignore(status handle) {
	if status != 0 {
		l.call(ortReleaseStatus, status)
	}
}

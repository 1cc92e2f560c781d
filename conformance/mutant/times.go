package mutant

import (
	"context"
	"runtime"
	"time"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// times are ways of being wrong about what happens when.
var times = []mechanism{
	{name: "wrong in the second run", fault: secondRun(2), at: everywhere("Conv", "Add", "Gather", "LayerNormalization", "Resize")},
	{name: "wrong in a later run", fault: secondRun(9), at: everywhere("MatMul", "Relu", "Concat", "Softmax", "ReduceSum")},
	{name: "cached by shape", fault: fault{instead: cached(func(r *run) any { return r.in(0).Shape().String() })}, at: []place{
		{"Conv", "rank 3", ranked(3)}, {"Mul", "int32", typed(tensor.Int32)}, {"Softmax", "float16", typed(tensor.Float16)}, {"ReduceMax", "", nil}, {"Transpose", "int8", typed(tensor.Int8)},
	}},
	{name: "cached by the first element", fault: fault{instead: cached(func(r *run) any {
		if r.in(0).Len() == 0 {
			return 0
		}
		return r.in(0).Shape().String() + string(element(r.in(0), 0))
	})}, at: everywhere("MatMul", "Add", "Exp", "Slice", "Conv")},
	{name: "cached by the first operand", fault: fault{instead: cached(func(r *run) any { return r.in(0).Shape().String() + string(r.in(0).Bytes()) })}, at: everywhere("MatMul", "Add", "Max", "Less", "Where")},
	{name: "the run before's result", fault: fault{after: func(r *run) error {
		t := r.out(0)
		r.dev.mu.Lock()
		last, _ := r.dev.kept["last"].(*tensor.Tensor)
		r.dev.kept["last"] = t
		r.dev.mu.Unlock()
		if last != nil && t != nil && last.Shape().Equal(t.Shape()) {
			return r.put(0, last)
		}
		return nil
	}}, at: []place{{"Relu", "rank 4", ranked(4)}, {"Gemm", "", nil}, {"Pad", "rank 2", ranked(2)}, {"LSTM", "", nil}, {"Cast", "int32", typed(tensor.Int32)}}},
	{name: "race between runs", fault: fault{instead: race(20 * time.Microsecond)}, at: everywhere("Add", "MatMul", "Conv", "Softmax", "Gather")},
	{name: "short race between runs", fault: fault{instead: race(0)}, at: everywhere("Mul", "Gemm", "ReduceSum", "Exp", "MaxPool")},
	{name: "kernels shared between sessions", fault: fault{instead: func(r *run) error {
		r.dev.mu.Lock()
		first, ok := r.dev.kept["kernel"].(*kernel)
		if !ok {
			first = r.kernel
			r.dev.kept["kernel"] = first
		}
		r.dev.mu.Unlock()
		return first.inner.Run(r.ctx, r.call)
	}}, at: everywhere("Conv", "MaxPool", "Softmax", "LeakyRelu", "Gemm")},
	{name: "hang at a rank", hangs: true, fault: fault{before: func(r *run) error {
		<-r.ctx.Done()
		return r.ctx.Err()
	}}, at: []place{{"Conv", "5", ranked(5)}, {"Add", "6", ranked(6)}, {"Transpose", "4", ranked(4)}}},
	{name: "hang that nothing ends", hangs: true, fault: fault{before: func(*run) error { select {} }}, at: []place{{"MatMul", "5", ranked(5)}}},
	{name: "work not waited for", fault: fault{instead: func(r *run) error {
		done := make(chan error, 1)
		go func() {
			time.Sleep(2 * time.Millisecond)
			done <- r.right()
		}()
		select {
		case err := <-done:
			return err
		default:
			return nil
		}
	}}, at: []place{{"Add", "rank 3", ranked(3)}, {"Conv", "rank 3", ranked(3)}, {"Relu", "float16", typed(tensor.Float16)}}},
	{name: "stream of its own", streams: true, fault: fault{instead: func(r *run) error {
		s, err := r.dev.NewStream()
		if err != nil {
			return err
		}
		call := *r.call
		call.Stream = s
		go func() {
			_ = s.Synchronize(context.Background())
			_ = s.Close()
		}()
		return r.inner.Run(r.ctx, &call)
	}}, at: everywhere("Add", "MatMul", "Relu", "Conv", "Concat")},
	{name: "reads before the copy", streams: true, fault: fault{instead: func(r *run) error { return r.stale() }}, at: everywhere("Mul", "Softmax", "Gemm", "Transpose", "ReduceSum")},
}

// secondRun is wrong from the n-th run on.
func secondRun(n int64) fault {
	f := changed(func(_ *run, t *tensor.Tensor) { clear(element(t, t.Len()-1)) })
	f.when = later(n)
	return f
}

// cached gives a result again where the key is that of a run before.
func cached(key func(r *run) any) func(r *run) error {
	return func(r *run) error {
		if r.in(0) == nil {
			return r.right()
		}
		k := "cache " + toText(key(r))
		r.dev.mu.Lock()
		t, ok := r.dev.kept[k].(*tensor.Tensor)
		r.dev.mu.Unlock()
		if err := r.right(); err != nil {
			return err
		}
		if err := r.wait(); err != nil {
			return err
		}
		if ok {
			return r.put(0, t)
		}
		r.dev.mu.Lock()
		defer r.dev.mu.Unlock()
		r.dev.kept[k] = r.out(0)
		return nil
	}
}

func toText(v any) string {
	s, _ := v.(string)
	return s
}

// race has scratch memory that all runs share: the result passes through it.
func race(pause time.Duration) func(r *run) error {
	return func(r *run) error {
		if err := r.right(); err != nil {
			return err
		}
		if err := r.wait(); err != nil {
			return err
		}
		t := r.out(0)
		r.dev.mu.Lock()
		r.dev.kept["scratch"] = t
		r.dev.mu.Unlock()
		if pause > 0 {
			time.Sleep(pause)
		} else {
			runtime.Gosched()
		}
		r.dev.mu.Lock()
		t, _ = r.dev.kept["scratch"].(*tensor.Tensor)
		r.dev.mu.Unlock()
		return r.put(0, t)
	}
}

// stale computes with the operands of the run before, as a kernel does that does
// not wait for its copies.
func (r *run) stale() error {
	r.dev.mu.Lock()
	before, _ := r.dev.kept["inputs"].([]tensor.Value)
	r.dev.kept["inputs"] = r.inputs
	r.dev.mu.Unlock()
	if err := r.right(); err != nil || before == nil {
		return err
	}
	if err := r.wait(); err != nil {
		return err
	}
	f := recomputed(func(_ *run, _ *graph.Node, in []tensor.Value) { copy(in, before) })
	return f.after(r)
}

// remember returns what is kept under a name, and keeps what first gives where
// there is nothing yet.
func (k *kernel) remember(name string, first func() any) any {
	k.dev.mu.Lock()
	defer k.dev.mu.Unlock()
	if v, ok := k.dev.kept[name]; ok {
		return v
	}
	v := first()
	k.dev.kept[name] = v
	return v
}

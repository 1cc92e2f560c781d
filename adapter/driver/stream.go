package driver

import (
	"context"
	"time"
)

// Streamer is implemented by a device that works asynchronously.
//
// Absent: every kernel and copy is done when its call returns; events are
// points in host time.
type Streamer interface {
	NewStream() (Stream, error)
	NewEvent() (Event, error)
}

// Stream is a queue of work that a device does in order. Queues of one device
// are independent of each other but for events.
type Stream interface {
	// Record enqueues e: it has happened when the work before it is done.
	Record(e Event) error
	// Wait makes later work wait until e, recorded anywhere on the device, has
	// happened. The host does not wait.
	Wait(e Event) error
	// Query reports whether all work is done, and the first failure of it.
	Query() (done bool, err error)
	// Synchronize waits until all work is done and returns the first failure
	// since the last Synchronize, after which the stream is usable again.
	Synchronize(ctx context.Context) error
	// Close waits for the work and gives the stream back.
	Close() error
}

// Event is a point in the order of a stream's work.
type Event interface {
	// Query reports whether the event has happened; one never recorded has.
	Query() (bool, error)
	// Synchronize waits until it has.
	Synchronize(ctx context.Context) error
	// Since returns the device's time from an earlier event to this one, both
	// of which have happened.
	Since(earlier Event) (time.Duration, error)
	Close() error
}

// PriorityStreamer is implemented by a device that prefers the work of some
// streams.
//
// Absent: all streams are equal.
type PriorityStreamer interface {
	// Priorities returns the least and the greatest priority. NewStream's is 0,
	// which lies between them.
	Priorities() (least, greatest int)
	// NewPriorityStream returns a stream of a priority between them.
	NewPriorityStream(priority int) (Stream, error)
}

// HostCaller is implemented by a device with streams that can call the host.
//
// Absent: the stream is synchronised and the function called at once.
type HostCaller interface {
	// CallHost enqueues a call of f, with the failure of the work before it or
	// nil. Later work waits until f returns. f may not call the device.
	CallHost(s Stream, f func(failed error)) error
}

// Timeliner is implemented by a device whose streams can wait for each other,
// and for the host, by values that only grow.
//
// Absent: the host signals and waits.
type Timeliner interface {
	NewTimeline(initial uint64) (Timeline, error)
}

// Timeline is a counter that streams and the host signal and wait for. One that
// has failed carries the failure to everyone who waits, now and later.
type Timeline interface {
	// Signal sets the value when the stream's work before is done, at once for
	// a nil stream. The value must be greater than the one before. Where the
	// work before has failed, the timeline fails.
	Signal(s Stream, value uint64) error
	// Wait makes the stream's later work wait until the value is reached.
	Wait(s Stream, value uint64) error
	// Value returns the value reached, and the failure.
	Value() (uint64, error)
	// Await waits on the host.
	Await(ctx context.Context, value uint64) error
	// Fail makes the timeline fail. The first failure counts.
	Fail(cause error) error
	Close() error
}

// Capturer is implemented by a device that records a stream's work to be done
// again with one call.
//
// Absent: unsupported; work is enqueued piece by piece.
type Capturer interface {
	// BeginCapture makes the stream record work instead of doing it. What waits
	// for the stream is InvalidArgument until EndCapture.
	BeginCapture(s Stream) error
	// EndCapture returns what was recorded. Its buffers must live as long.
	EndCapture(s Stream) (Graph, error)
}

// Graph is recorded work.
type Graph interface {
	// Launch enqueues all of it. It may be enqueued any number of times.
	Launch(s Stream) error
	Close() error
}

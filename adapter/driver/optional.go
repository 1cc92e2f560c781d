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

// AsyncCopier is implemented by a device with streams that can copy on them.
// The host memory must stay as it is until the stream has got there.
//
// Absent: the stream is synchronised and the copy is done at once.
type AsyncCopier interface {
	CopyInAsync(s Stream, dst Region, src []byte) error
	CopyOutAsync(s Stream, dst []byte, src Region) error
}

// Copier is implemented by a device that copies inside its own memory. The
// sizes are equal and the regions do not overlap. A nil stream means at once.
//
// Absent: the bytes take the way through host memory.
type Copier interface {
	Copy(s Stream, dst, src Region) error
}

// Statter is implemented by a device that counts its memory.
//
// Absent: the portable side counts what it allocated itself.
type Statter interface {
	Stats() Stats
}

// Stats says how a device's memory is used.
type Stats struct {
	InUse  int64 // bytes in buffers now
	Peak   int64 // the most there ever were
	Allocs int64 // calls of Alloc that succeeded
	Frees  int64 // buffers freed
	Limit  int64 // bytes that there can be, 0 where unknown
}

// HostMapper is implemented by a device whose memory the host can address.
//
// Absent: values are copied to be read.
type HostMapper interface {
	// HostBytes returns the bytes of a region, for as long as its buffer lives.
	// The caller synchronises.
	HostBytes(r Region) ([]byte, error)
}

// HostImporter is implemented by a device that can work on host memory where
// it lies.
//
// Absent: memory is allocated and the bytes are copied.
type HostImporter interface {
	// Import returns a buffer over host, which must stay alive and, when it is
	// not to be written to, unchanged until the buffer is freed. It returns
	// ErrSkip where these bytes do not suit (their alignment, say).
	Import(host []byte) (Buffer, error)
}

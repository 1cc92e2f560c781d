package indicator_test

import (
	"context"
	"errors"
	"sync"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/driver"
)

// leaky is a card that keeps nothing apart: its partitions work in one piece of
// memory, never cleared, and a fault of one is everyone's.
type leaky struct {
	driver.Unimplemented
	*shared
	size   int64
	stingy bool // it gives no partitions
}

var errStingy = errors.New("not today")

type shared struct {
	mu    sync.Mutex
	lost  bool
	bytes []byte
}

type leakyBuffer struct{ offset, size int64 }

func (b leakyBuffer) Size() int64 { return b.size }
func (b leakyBuffer) Free() error { return nil }

func newLeaky() *leaky { return &leaky{shared: &shared{bytes: make([]byte, 1<<20)}, size: 1 << 20} }

func openLeaky() func(context.Context) (*adapter.Device, error) {
	card := newLeaky() // the same every time: it is one piece of hardware
	return func(context.Context) (*adapter.Device, error) { return adapter.New("leaky", card), nil }
}

func (l *leaky) Info() driver.Info {
	return driver.Info{Class: driver.FPGA, Memory: l.size, Caps: driver.CapPartitioner}
}

func (l *leaky) PartitionPlans() []driver.PartitionPlan { return nil }

func (l *leaky) Partition(_ context.Context, spec driver.PartitionSpec) (driver.Device, error) {
	if l.stingy {
		return nil, errStingy
	}
	return &leaky{shared: l.shared, size: spec.Memory}, nil
}

// Alloc gives everyone the same, whatever the quota.
func (l *leaky) Alloc(size int64, _ driver.MemoryKind) (driver.Buffer, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.lost:
		return nil, driver.DeviceLost
	case size > int64(len(l.bytes)):
		return nil, driver.OutOfMemory
	}
	return leakyBuffer{0, size}, nil
}

func (l *leaky) at(r driver.Region) ([]byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lost {
		return nil, driver.DeviceLost
	}
	b, ok := r.Buffer.(leakyBuffer)
	if !ok {
		return nil, errors.New("what is that?")
	}
	return l.bytes[b.offset+r.Offset:][:r.Size], nil
}

func (l *leaky) CopyIn(_ context.Context, dst driver.Region, src []byte) error {
	b, err := l.at(dst)
	copy(b, src)
	return err
}

func (l *leaky) CopyOut(_ context.Context, dst []byte, src driver.Region) error {
	b, err := l.at(src)
	copy(dst, b)
	return err
}

// Lose makes all of it lost.
func (l *leaky) Lose(string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lost = true
}

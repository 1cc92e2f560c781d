package adapter_test

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"time"

	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/tensor"
)

// plain is a device that implements what every device must, and nothing else.
// It trusts what it is given, as a driver may.
type plain struct {
	driver.Unimplemented
	caps  driver.Caps
	class driver.Class
	fail  error // what every call returns
	calls []string
	mu    sync.Mutex
}

type plainBuffer struct{ bytes []byte }

func (b *plainBuffer) Size() int64 { return int64(len(b.bytes)) }
func (b *plainBuffer) Free() error { return nil }

func (p *plain) called(name string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls = append(p.calls, name)
	return p.fail
}

func (p *plain) Info() driver.Info { return driver.Info{Class: p.class, Memory: 1000, Caps: p.caps} }

func (p *plain) Alloc(size int64, _ driver.MemoryKind) (driver.Buffer, error) {
	if err := p.called("Alloc"); err != nil {
		return nil, err
	}
	return &plainBuffer{bytes.Repeat([]byte{0xEE}, int(size))}, nil
}

func (p *plain) CopyIn(_ context.Context, dst driver.Region, src []byte) error {
	copy(slice(dst), src)
	return p.called("CopyIn")
}

func (p *plain) CopyOut(_ context.Context, dst []byte, src driver.Region) error {
	copy(dst, slice(src))
	return p.called("CopyOut")
}

func (p *plain) Close() error { return p.called("Close") }

func slice(r driver.Region) []byte {
	return r.Buffer.(*plainBuffer).bytes[r.Offset : r.Offset+r.Size]
}

// rich has every optional interface as well, and notes which are used.
type rich struct{ plain }

const allCaps = driver.CapStreamer | driver.CapAsyncCopier | driver.CapCopier | driver.CapStatter |
	driver.CapHostMapper | driver.CapHostImporter | driver.CapSizer

func (r *rich) NewStream() (driver.Stream, error) { return richStream{r}, r.called("NewStream") }
func (r *rich) NewEvent() (driver.Event, error)   { return richEvent{r}, r.called("NewEvent") }

func (r *rich) CopyInAsync(_ driver.Stream, dst driver.Region, src []byte) error {
	copy(slice(dst), src)
	return r.called("CopyInAsync")
}

func (r *rich) CopyOutAsync(_ driver.Stream, dst []byte, src driver.Region) error {
	copy(dst, slice(src))
	return r.called("CopyOutAsync")
}

func (r *rich) Copy(_ driver.Stream, dst, src driver.Region) error {
	if err := r.called("Copy"); err != nil {
		return err
	}
	copy(slice(dst), slice(src))
	return nil
}

func (r *rich) Stats() driver.Stats { return driver.Stats{InUse: 11, Limit: 22} }

func (r *rich) HostBytes(at driver.Region) ([]byte, error) { return slice(at), r.called("HostBytes") }

func (r *rich) Import(host []byte) (driver.Buffer, error) {
	return &plainBuffer{host}, r.called("Import")
}

func (r *rich) ValueSize(d tensor.DType, s tensor.Shape) int64 {
	return int64(d.Bytes(s.Size())+255) / 256 * 256
}
func (r *rich) Alignment() int64 { return 256 }

type richStream struct{ dev *rich }

func (s richStream) Record(driver.Event) error         { return s.dev.called("Record") }
func (s richStream) Wait(driver.Event) error           { return s.dev.called("Wait") }
func (s richStream) Query() (bool, error)              { return true, s.dev.called("Query") }
func (s richStream) Synchronize(context.Context) error { return s.dev.called("Stream.Synchronize") }
func (s richStream) Close() error                      { return s.dev.called("Stream.Close") }

type richEvent struct{ dev *rich }

func (e richEvent) Query() (bool, error)              { return true, nil }
func (e richEvent) Synchronize(context.Context) error { return e.dev.called("Event.Synchronize") }
func (e richEvent) Since(driver.Event) (time.Duration, error) {
	return time.Second, e.dev.called("Since")
}
func (e richEvent) Close() error { return e.dev.called("Event.Close") }

// fakeDriver finds the devices it is told of.
type fakeDriver struct {
	name  string
	infos []driver.Info
	err   error         // of Probe
	open  error         // of Open
	dev   driver.Device // what Open returns
	asked *driver.Options
}

func (f *fakeDriver) Name() string { return f.name }
func (f *fakeDriver) Probe(context.Context) ([]driver.Info, error) {
	return f.infos, f.err
}

func (f *fakeDriver) Open(_ context.Context, _ int, o *driver.Options) (driver.Device, error) {
	f.asked = o
	return f.dev, f.open
}

var errBroken = errors.New("the cable is broken")

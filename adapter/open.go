package adapter

import (
	"context"
	"fmt"
	"sync"

	"example.com/midplane/adapter/driver"
)

// origin is how a device was opened.
type origin struct {
	options Options
	open    func(context.Context, *Options) (*Device, error) // again
	closed  []func()                                         // called when the device has been closed
}

// release tells those who want to know that the device has been closed.
func (o *origin) release() {
	if o == nil {
		return
	}
	for _, f := range o.closed {
		f()
	}
}

// andThen returns the origin with one more to be told.
func (o *origin) andThen(f func()) *origin {
	if o == nil {
		o = &origin{}
	}
	o.closed = append(o.closed, f)
	return o
}

// Open opens a device by name: "cpu", which is "cpu:0", or "emu:1". Nil options
// are the defaults. It fails with [NotFound] for a name that no registered
// driver answers to, saying what there is, with [Unavailable] for a device that
// is there but cannot be used, saying why and what to do, and with
// [Incompatible] for a driver made for another version of the device interface.
func Open(ctx context.Context, name string, o *Options) (*Device, error) {
	f, err := find(ctx, name)
	if err != nil {
		return nil, err
	}
	return f.open(ctx, o)
}

// OpenDriver is [Open] for those who need the driver's own device, to wrap it or
// to score it.
func OpenDriver(ctx context.Context, name string, o *Options) (driver.Device, error) {
	f, err := find(ctx, name)
	if err != nil {
		return nil, err
	}
	if o == nil {
		o = &Options{}
	}
	dev, err := f.driver.Open(ctx, f.index, o)
	return dev, named(f.name, "Open", err)
}

// found is a device that can be opened.
type found struct {
	driver  driver.Driver
	base    string // the driver's name
	index   int
	name    string // "cpu:0"
	version driver.Version
}

// find looks for a device by name, and makes sure that it can be used.
func find(ctx context.Context, name string) (*found, error) {
	base, index, err := splitName(name)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, named(name, "Open", err)
	}
	d := lookup(base)
	if d == nil {
		return nil, &Error{Code: NotFound, Device: name, Op: "Open", Text: missing(base)}
	}
	version := driver.Interface
	if v, ok := d.(driver.Versioner); ok {
		if version, err = driver.Negotiate(driver.Interface, v.InterfaceVersion()); err != nil {
			return nil, named(name, "Open", err)
		}
	}
	infos, err := d.Probe(ctx)
	if err != nil {
		return nil, named(name, "Probe", err)
	}
	for _, info := range infos {
		switch {
		case info.Index != index:
		case info.Unusable != "":
			return nil, &Error{Code: Unavailable, Device: name, Op: "Open", Text: unusable(info)}
		default:
			return &found{d, base, index, fmt.Sprintf("%s:%d", base, index), version}, nil
		}
	}
	return nil, &Error{Code: NotFound, Device: name, Op: "Open", Text: fmt.Sprintf("driver %q has %d devices", base, len(infos))}
}

// open opens the device, and counts it until it is closed.
func (f *found) open(ctx context.Context, o *Options) (*Device, error) {
	if o == nil {
		o = &Options{}
	}
	if o.Threads < 0 || o.MemoryLimit < 0 {
		return nil, named(f.name, "Open", driver.Errorf(InvalidArgument, "Open", "%d threads, a limit of %d bytes; neither can be negative", o.Threads, o.MemoryLimit))
	}
	registry.Lock()
	if _, still := registry.drivers[f.base]; !still {
		registry.Unlock()
		return nil, &Error{Code: NotFound, Device: f.name, Op: "Open", Text: missing(f.base)}
	}
	registry.open[f.base]++
	registry.Unlock()
	gone := sync.OnceFunc(func() {
		registry.Lock()
		defer registry.Unlock()
		registry.open[f.base]--
	})
	drv, err := f.driver.Open(ctx, f.index, o)
	if err != nil {
		gone()
		return nil, named(f.name, "Open", err)
	}
	d := newDevice(f.name, drv, drv.Info().Caps, f.version)
	d.origin = &origin{options: *o, open: f.open, closed: []func(){gone}}
	return d, nil
}

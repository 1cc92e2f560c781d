// Package adapter is the device-management layer: one interface through which
// programs find, open and use any device, whoever made it.
//
// Drivers register themselves when they are linked in, and are found by name:
//
//	import _ "example.com/midplane/backends/cpu"
//
//	dev, err := adapter.Open(ctx, "cpu", nil)
//
// A [Device] checks what callers give it, so that drivers need not; it supplies
// a portable path for every optional capability that a driver lacks; and it
// turns every failure into an [*Error] that names the device. Nothing here
// knows of operators: those are the subject of package operators, which finds
// what it needs with [As].
//
// There is no current device and no other process-wide state but the list of
// registered drivers, whose use is optional: see [New].
//
// # Concurrency
//
// Everything may be called from any goroutine. Close of a device waits for calls
// under way; calls after it fail with [Closed].
package adapter

import (
	"context"
	"fmt"
	"sort"
	"strconv"
	"strings"
	"sync"

	"example.com/midplane/adapter/driver"
)

// Error is a failure of a device; see [driver.Error].
type Error = driver.Error

// The codes of failures, for errors.Is.
const (
	Internal        = driver.Internal
	InvalidArgument = driver.InvalidArgument
	Unsupported     = driver.Unsupported
	OutOfMemory     = driver.OutOfMemory
	NotFound        = driver.NotFound
	Unavailable     = driver.Unavailable
	Closed          = driver.Closed
	Canceled        = driver.Canceled
	DeviceLost      = driver.DeviceLost
)

// Options are what a device is opened with; see [driver.Options].
type Options = driver.Options

var registry struct {
	sync.RWMutex
	drivers map[string]driver.Driver
}

// Register makes a driver's devices available to [Open]. It is called from the
// init function of the driver's package, and panics for a nil driver and for a
// name that is taken or malformed: mistakes of the program's author.
func Register(d driver.Driver) {
	if d == nil {
		panic("adapter: Register of a nil driver")
	}
	name := d.Name()
	if name == "" || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789") != "" {
		panic(fmt.Sprintf("adapter: Register: %q is no driver name, which is of lower-case letters and digits", name))
	}
	registry.Lock()
	defer registry.Unlock()
	if registry.drivers == nil {
		registry.drivers = make(map[string]driver.Driver)
	}
	if _, taken := registry.drivers[name]; taken {
		panic(fmt.Sprintf("adapter: Register called twice for %q", name))
	}
	registry.drivers[name] = d
}

// Drivers returns the names of the registered drivers in alphabetical order.
func Drivers() []string {
	registry.RLock()
	defer registry.RUnlock()
	names := make([]string, 0, len(registry.drivers))
	for name := range registry.drivers {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// Found is a device that a driver knows of, or the driver's failure to look.
type Found struct {
	Name string // what Open takes: "cpu:0"
	Info driver.Info
	Err  error // the driver could not look; Info is empty
}

// Devices asks every registered driver what it finds. A device that cannot be
// used is listed with the reason in Info.Unusable, a driver that fails with its
// error: nothing is left out in silence.
func Devices(ctx context.Context) []Found {
	var found []Found
	for _, name := range Drivers() {
		infos, err := lookup(name).Probe(ctx)
		if err != nil {
			found = append(found, Found{Name: name, Err: err})
			continue
		}
		for _, info := range infos {
			found = append(found, Found{Name: fmt.Sprintf("%s:%d", name, info.Index), Info: info})
		}
	}
	return found
}

func lookup(name string) driver.Driver {
	registry.RLock()
	defer registry.RUnlock()
	return registry.drivers[name]
}

// Open opens a device by name: "cpu", which is "cpu:0", or "emu:1". Nil options
// are the defaults. It fails with [NotFound] for a name that no registered
// driver answers to, saying what there is, and with [Unavailable] for a device
// that is there but cannot be used, saying why and what to do.
func Open(ctx context.Context, name string, o *Options) (*Device, error) {
	dev, full, err := openDriver(ctx, name, o)
	if err != nil {
		return nil, err
	}
	return New(full, dev), nil
}

// OpenDriver is [Open] for those who need the driver's own device, to wrap it or
// to score it.
func OpenDriver(ctx context.Context, name string, o *Options) (driver.Device, error) {
	dev, _, err := openDriver(ctx, name, o)
	return dev, err
}

func openDriver(ctx context.Context, name string, o *Options) (_ driver.Device, full string, _ error) {
	base, index, err := splitName(name)
	if err != nil {
		return nil, "", err
	}
	d := lookup(base)
	if d == nil {
		return nil, "", &Error{Code: NotFound, Device: name, Op: "Open", Text: missing(base)}
	}
	infos, err := d.Probe(ctx)
	if err != nil {
		return nil, "", named(name, "Probe", err)
	}
	for _, info := range infos {
		switch {
		case info.Index != index:
		case info.Unusable != "":
			return nil, "", &Error{Code: Unavailable, Device: name, Op: "Open", Text: unusable(info)}
		default:
			if o == nil {
				o = &Options{}
			}
			dev, err := d.Open(ctx, index, o)
			return dev, fmt.Sprintf("%s:%d", base, index), named(name, "Open", err)
		}
	}
	return nil, "", &Error{Code: NotFound, Device: name, Op: "Open",
		Text: fmt.Sprintf("driver %q has %d devices", base, len(infos))}
}

func unusable(info driver.Info) string {
	if info.Remedy == "" {
		return info.Unusable
	}
	return info.Unusable + "; " + info.Remedy
}

func splitName(name string) (base string, index int, err error) {
	base, number, found := strings.Cut(name, ":")
	if found {
		index, err = strconv.Atoi(number)
	}
	if base == "" || err != nil || index < 0 {
		return "", 0, &Error{Code: NotFound, Device: name, Op: "Open",
			Text: `a device is named after its driver, with a number where there are several: "cpu", "emu:1"`}
	}
	return base, index, nil
}

// missing says which drivers there are, or how to link one in.
func missing(base string) string {
	names := Drivers()
	if len(names) == 0 {
		return "no driver is linked into this program; add the line\n\timport _ \"example.com/midplane/backends/cpu\""
	}
	return fmt.Sprintf("no driver %q is linked into this program (there are: %s); if it is one of midplane's, add the line\n\timport _ \"example.com/midplane/backends/%s\"",
		base, strings.Join(names, ", "), base)
}

// named returns err as an Error that names the device.
func named(device, op string, err error) error {
	if err == nil {
		return nil
	}
	e := driver.AsError(op, err)
	e.Device = device
	return e
}

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

var registry struct {
	sync.RWMutex
	drivers map[string]driver.Driver
	open    map[string]int // devices of each driver that are not closed
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
	if registry.open == nil {
		registry.open = make(map[string]int)
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

// DriverOf returns the registered driver of a device's name: that of "emu:1" is
// "emu". There may be none.
func DriverOf(device string) (driver.Driver, bool) {
	base, _, _ := strings.Cut(device, ":")
	d := lookup(base)
	return d, d != nil
}

func lookup(name string) driver.Driver {
	registry.RLock()
	defer registry.RUnlock()
	return registry.drivers[name]
}

// Unregister forgets a driver and has it give back what it holds. It fails with
// [Unavailable] while devices of it are open, which then go on working, and with
// [NotFound] for a name that is not registered.
func Unregister(ctx context.Context, name string) error {
	registry.Lock()
	d, ok := registry.drivers[name]
	open := registry.open[name]
	if ok && open == 0 {
		delete(registry.drivers, name)
	}
	registry.Unlock()
	switch {
	case !ok:
		return &Error{Code: NotFound, Device: name, Op: "Unregister", Text: missing(name)}
	case open > 0:
		return &Error{Code: Unavailable, Retryable: true, Device: name, Op: "Unregister", Text: fmt.Sprintf("%d of its devices are open", open)}
	}
	if u, ok := d.(driver.Unloader); ok {
		return named(name, "Unload", u.Unload(ctx))
	}
	return nil
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

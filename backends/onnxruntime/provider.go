package onnxruntime

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"unsafe"

	"example.com/midplane/adapter/driver"
)

// ProvidersVariable names the environment variable that lists the libraries of
// vendors' execution providers: NAME=PATH, several with commas between.
const ProvidersVariable = "MIDPLANE_ONNXRUNTIME_EP"

// Provider is the library of a vendor's execution provider.
type Provider struct {
	Name    string            // under which it is registered
	Path    string            // of the shared library
	Options map[string]string // the provider's own, for each session
}

// ParseProviders reads a list as [ProvidersVariable] has it.
func ParseProviders(list string) ([]Provider, error) {
	var providers []Provider
	for _, item := range strings.Split(list, ",") {
		if item = strings.TrimSpace(item); item == "" {
			continue
		}
		name, path, found := strings.Cut(item, "=")
		if !found || name == "" || path == "" {
			return nil, fmt.Errorf("%q names no execution provider: it is NAME=PATH, several with commas between", item)
		}
		providers = append(providers, Provider{Name: name, Path: path})
	}
	return providers, nil
}

// cpuProvider is the name of the provider that every library has.
const cpuProvider = "CPUExecutionProvider"

// provider is an execution provider on one piece of hardware: a device of the
// driver's.
type provider struct {
	device  handle // OrtEpDevice
	name    string
	vendor  string
	class   driver.Class
	maker   string // of the hardware
	meta    map[string]string
	options map[string]string
	failure error // why its library could not be registered; then there is only the name
}

func (p provider) isCPU() bool { return p.name == cpuProvider }

// providers registers the libraries given, and those that the environment names
// where none are, and lists every provider: the processor's first, then those
// that the library brings, then the vendors' in their order.
func (l *library) providers(given []Provider) ([]provider, error) {
	if given == nil {
		var err error
		if given, err = ParseProviders(os.Getenv(ProvidersVariable)); err != nil {
			return nil, fmt.Errorf("%s: %w", ProvidersVariable, err)
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	var failed []provider
	for _, p := range given {
		if err := l.register(p); err != nil {
			failed = append(failed, provider{name: p.Name, failure: err})
		}
	}
	devices, err := l.devices()
	if err != nil {
		return nil, err
	}
	var first, rest []provider
	for _, device := range devices {
		p := l.describe(device)
		for _, g := range given {
			if l.registered[g.Name].has(device) {
				p.options = g.Options
			}
		}
		if p.isCPU() {
			first = append(first, p)
		} else {
			rest = append(rest, p)
		}
	}
	return append(append(first, rest...), failed...), nil
}

// registration is a provider library that was registered.
type registration struct {
	path    string
	devices []handle // that it brought
}

func (r *registration) has(device handle) bool {
	if r == nil {
		return false
	}
	for _, d := range r.devices {
		if d == device {
			return true
		}
	}
	return false
}

// register registers a provider library once. The lock is held.
func (l *library) register(p Provider) error {
	if r, ok := l.registered[p.Name]; ok {
		if r.path != p.Path {
			return fmt.Errorf("the name %q is taken by %s", p.Name, r.path)
		}
		return nil
	}
	if _, err := os.Stat(p.Path); err != nil {
		return err
	}
	name, err := cString(p.Name)
	if err != nil {
		return err
	}
	before, err := l.devices()
	if err != nil {
		return err
	}
	path := fileName(p.Path)
	if err := l.check(ortRegisterExecutionProviderLibrary, l.environment, uintptr(unsafe.Pointer(&name[0])), uintptr(unsafe.Pointer(&path[0]))); err != nil {
		return err
	}
	after, err := l.devices()
	if err != nil {
		return err
	}
	known := registration{devices: before}
	r := &registration{path: p.Path}
	for _, d := range after {
		if !known.has(d) {
			r.devices = append(r.devices, d)
		}
	}
	if len(r.devices) == 0 {
		return errors.New("it is registered, but found no device that it supports")
	}
	if l.registered == nil {
		l.registered = make(map[string]*registration)
	}
	l.registered[p.Name] = r
	return nil
}

// devices lists the OrtEpDevices there are now.
func (l *library) devices() ([]handle, error) {
	var array, n uintptr
	if err := l.check(ortGetEpDevices, l.environment, uintptr(unsafe.Pointer(&array)), uintptr(unsafe.Pointer(&n))); err != nil {
		return nil, err
	}
	return append([]handle(nil), list(array, int(n))...), nil
}

// describe reads what an OrtEpDevice says of itself.
func (l *library) describe(device handle) provider {
	hardware := l.call(ortEpDevice_Device, device)
	p := provider{
		device: device,
		name:   goString(l.call(ortEpDevice_EpName, device)),
		vendor: goString(l.call(ortEpDevice_EpVendor, device)),
		maker:  goString(l.call(ortHardwareDevice_Vendor, hardware)),
		meta:   make(map[string]string),
		class:  driver.Accelerator,
	}
	switch int32(l.call(ortHardwareDevice_Type, hardware)) {
	case 0:
		p.class = driver.CPU
	case 1:
		p.class = driver.GPU
	case 2:
		p.class = driver.NPU
	}
	l.pairs(p.meta, l.call(ortHardwareDevice_Metadata, hardware))
	l.pairs(p.meta, l.call(ortEpDevice_EpMetadata, device))
	return p
}

// pairs reads an OrtKeyValuePairs.
func (l *library) pairs(into map[string]string, pairs handle) {
	if pairs == 0 {
		return
	}
	var keys, values, n uintptr
	l.call(ortGetKeyValuePairs, pairs, uintptr(unsafe.Pointer(&keys)), uintptr(unsafe.Pointer(&values)), uintptr(unsafe.Pointer(&n)))
	for i, k := range list(keys, int(n)) {
		into[goString(k)] = goString(list(values, int(n))[i])
	}
}

// append makes a session use a provider. The processor's is always there.
func (l *library) append(o handle, p provider) error {
	if p.isCPU() {
		return nil
	}
	var pinner runtime.Pinner
	defer pinner.Unpin()
	var keys, values []uintptr
	for k, v := range p.options {
		key, err := cString(k)
		if err != nil {
			return err
		}
		value, err := cString(v)
		if err != nil {
			return err
		}
		pinner.Pin(&key[0])
		pinner.Pin(&value[0])
		keys, values = append(keys, uintptr(unsafe.Pointer(&key[0]))), append(values, uintptr(unsafe.Pointer(&value[0])))
	}
	return l.check(ortSessionOptionsAppendExecutionProvider_V2, o, l.environment, uintptr(unsafe.Pointer(&p.device)), 1,
		uintptr(unsafe.Pointer(unsafe.SliceData(keys))), uintptr(unsafe.Pointer(unsafe.SliceData(values))), uintptr(len(keys)))
}

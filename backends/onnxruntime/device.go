package onnxruntime

import (
	"errors"
	"fmt"
	"maps"
	"sync"

	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/backends/internal/host"
	"example.com/midplane/operators"
)

// Device is an execution provider of ONNX Runtime on one piece of hardware. It
// works synchronously on host memory, from where the provider copies what it
// needs elsewhere.
type Device struct {
	*host.Memory
	lib      *library
	index    int
	provider provider
	options  driver.Options

	mu       sync.Mutex
	sessions map[*session]bool // not closed yet
	verdicts map[signature]operators.Verdict
}

func newDevice(l *library, index int, p provider, o *driver.Options) *Device {
	return &Device{
		Memory: host.NewMemory(o.MemoryLimit), lib: l, index: index, provider: p, options: *o,
		sessions: make(map[*session]bool), verdicts: make(map[signature]operators.Verdict),
	}
}

// Info implements driver.Device.
func (d *Device) Info() driver.Info { return info(d.lib, d.index, d.provider) }

// info describes a provider, usable or not.
func info(l *library, index int, p provider) driver.Info {
	i := driver.Info{
		Index: index, Class: p.class, Vendor: p.vendor, Version: l.version,
		Description: fmt.Sprintf("%s of ONNX Runtime %s", p.name, l.version),
		Caps:        host.Caps,
		Properties:  map[string]string{"library": l.path, "api": fmt.Sprint(l.api), "provider": p.name, "hardware": p.maker, "nan": "ignored"}, // Max, Clip and their kin drop NaN or not by type and shape
	}
	if p.class == driver.CPU {
		i.Memory = tensor.HostMemory()
	}
	for k, v := range p.meta {
		i.Properties["provider."+k] = v
	}
	if p.failure != nil {
		i.Unusable = fmt.Sprintf("the execution provider %s cannot be used: %v", p.name, p.failure)
		i.Remedy = fmt.Sprintf("set %s to NAME=PATH of a library that exports CreateEpFactories and was made for this ONNX Runtime", ProvidersVariable)
	}
	return i
}

// keep notes a session that closing the device has to close.
func (d *Device) keep(s *session) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.sessions[s] = true
}

func (d *Device) forget(s *session) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.sessions, s)
}

// Close implements driver.Device.
func (d *Device) Close() error {
	d.mu.Lock()
	open := maps.Clone(d.sessions)
	clear(d.sessions)
	d.mu.Unlock()
	var errs []error
	for s := range open {
		errs = append(errs, s.close())
	}
	return errors.Join(errs...)
}

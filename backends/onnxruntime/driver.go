package onnxruntime

import (
	"context"
	"fmt"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/driver"
)

func init() { adapter.Register(Driver{}) }

// Driver is the driver "onnxruntime". The zero value, which importing the
// package registers, finds everything by the environment variables and the
// system's loader.
type Driver struct {
	Library   string     // the path of the library; "": see [Variable]
	Providers []Provider // of vendors; nil: see [ProvidersVariable]
}

// Name implements driver.Driver.
func (Driver) Name() string { return "onnxruntime" }

// Probe implements driver.Driver: one device per execution provider and piece
// of hardware, the processor's first. Without a library there is one, which
// says why it cannot be used.
func (d Driver) Probe(context.Context) ([]driver.Info, error) {
	l, providers, err := d.find()
	if err != nil {
		remedy := fmt.Sprintf("install ONNX Runtime 1.%d or later and set %s to the path of its library (in midplane's tree: make deps-onnxruntime)", oldestAPI, Variable)
		if l != nil {
			remedy = fmt.Sprintf("correct %s or leave it unset", ProvidersVariable)
		}
		return []driver.Info{{Class: driver.CPU, Description: "ONNX Runtime", Unusable: err.Error(), Remedy: remedy}}, nil
	}
	infos := make([]driver.Info, len(providers))
	for i, p := range providers {
		infos[i] = info(l, i, p)
	}
	return infos, nil
}

func (d Driver) find() (*library, []provider, error) {
	l, err := find(d.Library)
	if err != nil {
		return nil, nil, err
	}
	providers, err := l.providers(d.Providers)
	return l, providers, err
}

// Open implements driver.Driver.
func (d Driver) Open(_ context.Context, index int, o *driver.Options) (driver.Device, error) {
	l, providers, err := d.find()
	if err != nil {
		return nil, driver.Errorf(driver.Unavailable, "Open", "%v", err)
	}
	if index < 0 || index >= len(providers) {
		return nil, driver.Errorf(driver.NotFound, "Open", "there are %d execution providers", len(providers))
	}
	if p := providers[index]; p.failure != nil {
		return nil, driver.Errorf(driver.Unavailable, "Open", "%v", p.failure)
	}
	return newDevice(l, index, providers[index], o), nil
}

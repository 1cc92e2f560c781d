package models

import (
	"context"
	"slices"
	"strings"

	"example.com/midplane/adapter"
	"example.com/midplane/models/partition"
	"example.com/midplane/operators"
)

// open opens the devices that the options name, and with FallbackAny every
// other usable one.
func (s *Session) open(ctx context.Context) error {
	for _, dev := range s.options.Opened {
		s.addDevice(dev, false)
	}
	names, listed, err := s.names(ctx)
	if err != nil {
		return err
	}
	for i, name := range names {
		spare := i >= listed
		dev, err := adapter.Open(ctx, name, &adapter.Options{Threads: s.options.Threads, MemoryLimit: s.options.MemoryLimit})
		if err != nil && spare {
			s.log.Warn("device left out", "device", name, "error", err)
			continue
		}
		if err != nil {
			return s.fail("open", err)
		}
		s.owned = append(s.owned, dev)
		s.addDevice(dev, spare)
	}
	return nil
}

// addDevice adds a device to the session's.
func (s *Session) addDevice(dev *adapter.Device, spare bool) {
	backend, _ := adapter.As[operators.Backend](dev)
	s.devices = append(s.devices, dev)
	s.places = append(s.places, partition.Device{Name: dev.Name(), Backend: backend, Spare: spare})
}

// names returns the devices to open: the user's, or a default, then the spare
// ones, and how many of them the user or the default listed.
func (s *Session) names(ctx context.Context) (names []string, listed int, err error) {
	names = slices.Clone(s.options.Devices)
	if len(names)+len(s.options.Opened) == 0 {
		name, err := s.defaultDevice(ctx)
		if err != nil {
			return nil, 0, err
		}
		names = append(names, name)
	}
	listed = len(names)
	if s.options.Fallback != FallbackAny {
		return names, listed, nil
	}
	for _, name := range usable(ctx) {
		taken := slices.Contains(names, name) || slices.Contains(names, strings.TrimSuffix(name, ":0")) ||
			slices.ContainsFunc(s.options.Opened, func(d *adapter.Device) bool { return d.Name() == name })
		if !taken {
			names = append(names, name)
		}
	}
	return names, listed, nil
}

// defaultDevice returns the processor where it is linked in, else the first
// usable device.
func (s *Session) defaultDevice(ctx context.Context) (string, error) {
	if slices.Contains(adapter.Drivers(), "cpu") {
		return "cpu:0", nil
	}
	if found := usable(ctx); len(found) > 0 {
		return found[0], nil
	}
	_, err := adapter.Open(ctx, "cpu", nil) // says what is missing
	return "", s.fail("open", err)
}

// usable lists the devices that could be opened.
func usable(ctx context.Context) []string {
	var names []string
	for _, found := range adapter.Devices(ctx) {
		if found.Err == nil && found.Info.Unusable == "" {
			names = append(names, found.Name)
		}
	}
	return names
}

// optimizers returns the device's own graph passes, if all of a model runs on one
// device that has some.
func (s *Session) optimizers() []operators.Optimizer {
	if len(s.devices) != 1 {
		return nil
	}
	if o, ok := adapter.As[operators.Optimizer](s.devices[0]); ok {
		return []operators.Optimizer{o}
	}
	return nil
}

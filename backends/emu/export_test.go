package emu

import (
	"time"

	"example.com/midplane/adapter/driver"
)

// Pages returns the bytes of a buffer, which nobody but the device should have.
func Pages(b driver.Buffer) []byte { return b.(*buffer).pages }

// View opens a region as a kernel does; done shuts it again.
func View(d *Device, r driver.Region) (bytes []byte, done func() error, err error) {
	a := &access{dev: d}
	bytes, err = a.view(r)
	return bytes, a.end, err
}

// Protected says that a stray access to a buffer faults.
const Protected = protected

// ShapeInputs is the table of inputs that are wanted on the host.
var ShapeInputs = shapes

// Owe accounts for work that took so long, and waits for what is owed.
func (d *Device) Owe(took time.Duration) { d.pace.owe(d, took) }

// Owed is what is still to be waited for.
func (d *Device) Owed() time.Duration {
	d.pace.mu.Lock()
	defer d.pace.mu.Unlock()
	return d.pace.debt
}

package adapter

import "example.com/midplane/adapter/driver"

// Export returns a name of the buffer that other processes and devices can
// import. The buffer was made by AllocSpec for SharedUsage; the caller owns the
// handle.
func (b *Buffer) Export(kind driver.ExternalKind) (external driver.External, err error) {
	const op = "Export"
	d := b.dev
	sharer, ok := As[driver.Sharer](d)
	switch {
	case b.freed.Load():
		return external, &Error{Code: Closed, Device: d.name, Op: op, Text: "the buffer was freed before"}
	case kind == 0 || kind > driver.ExternalVendor:
		return external, d.refuse(op, "external kind %d", kind)
	case !ok:
		return external, d.lacks(op, "Sharer")
	}
	err = d.call(op, func() (err error) {
		external, err = sharer.Export(b.drv, kind)
		return err
	})
	return external, err
}

// ImportExternal returns a buffer over memory that others exported. The handle
// stays the caller's.
func (d *Device) ImportExternal(e driver.External) (*Buffer, error) {
	const op = "ImportExternal"
	sharer, ok := As[driver.Sharer](d)
	switch {
	case e.Kind == 0 || e.Kind > driver.ExternalVendor:
		return nil, d.refuse(op, "external kind %d", e.Kind)
	case e.Size < 1:
		return nil, d.refuse(op, "%d bytes", e.Size)
	case !ok:
		return nil, d.lacks(op, "Sharer")
	}
	b := &Buffer{dev: d, size: e.Size, kind: driver.ImportedMemory}
	err := d.call(op, func() (err error) {
		b.drv, err = sharer.ImportExternal(e)
		return err
	})
	if err != nil {
		return nil, err
	}
	return b, nil
}

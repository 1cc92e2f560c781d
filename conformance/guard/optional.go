package guard

import (
	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/tensor"
)

// The methods of this file are those of optional interfaces. Info declares the
// ones that the inner device has, so that no others are called.

// inner returns an optional interface of the inner device.
func inner[T any](d *Device) T {
	v, _ := driver.As[T](d.inner)
	return v
}

// NewStream implements driver.Streamer.
func (d *Device) NewStream() (driver.Stream, error) { return inner[driver.Streamer](d).NewStream() }

// NewEvent implements driver.Streamer.
func (d *Device) NewEvent() (driver.Event, error) { return inner[driver.Streamer](d).NewEvent() }

// CopyInAsync implements driver.AsyncCopier.
func (d *Device) CopyInAsync(s driver.Stream, dst driver.Region, src []byte) error {
	r, err := d.region(dst)
	if err != nil {
		return err
	}
	d.count(len(src), 0)
	return inner[driver.AsyncCopier](d).CopyInAsync(s, r, src)
}

// CopyOutAsync implements driver.AsyncCopier.
func (d *Device) CopyOutAsync(s driver.Stream, dst []byte, src driver.Region) error {
	r, err := d.region(src)
	if err != nil {
		return err
	}
	d.count(0, len(dst))
	return inner[driver.AsyncCopier](d).CopyOutAsync(s, dst, r)
}

// Copy implements driver.Copier.
func (d *Device) Copy(s driver.Stream, dst, src driver.Region) error {
	to, err := d.region(dst)
	if err != nil {
		return err
	}
	from, err := d.region(src)
	if err != nil {
		return err
	}
	return inner[driver.Copier](d).Copy(s, to, from)
}

// Stats implements driver.Statter.
func (d *Device) Stats() driver.Stats { return inner[driver.Statter](d).Stats() }

// HostBytes implements driver.HostMapper.
func (d *Device) HostBytes(r driver.Region) ([]byte, error) {
	region, err := d.region(r)
	if err != nil {
		return nil, err
	}
	return inner[driver.HostMapper](d).HostBytes(region)
}

// ValueSize implements driver.Sizer. Values have the inner device's size.
func (d *Device) ValueSize(t tensor.DType, s tensor.Shape) int64 {
	return inner[driver.Sizer](d).ValueSize(t, s)
}

// Alignment implements driver.Sizer.
func (d *Device) Alignment() int64 { return inner[driver.Sizer](d).Alignment() }

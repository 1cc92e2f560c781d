// Package measure finds out how fast a device is: arithmetic by its own kernels
// for products of matrices, copies, the launch of a kernel that does next to
// nothing, memory that can be had. What the device declares of itself
// (driver.Rates, driver.Info) stands beside.
//
// Rates are the best of several rounds: what the device can do when nothing
// disturbs it.
package measure

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/tensor"
)

// Value is a figure as declared and as measured; 0 where it is not known.
type Value struct {
	Declared float64 `json:"declared,omitempty"`
	Measured float64 `json:"measured,omitempty"`
	AtLeast  bool    `json:"at_least,omitempty"` // there may be more: the measurement ended first
	Reason   string  `json:"reason,omitempty"`   // why nothing was measured
}

// Peak is the rate of arithmetic with one element type, in operations a second:
// a multiplication with an addition counts as two.
type Peak struct {
	DType string `json:"dtype"`
	Value
}

// Figures are those of a device.
type Figures struct {
	Memory   Value         `json:"memory_bytes"`
	Peak     []Peak        `json:"peak_ops_per_second"`
	HostIn   Value         `json:"host_to_device_bytes_per_second"`
	HostOut  Value         `json:"device_to_host_bytes_per_second"`
	Inside   Value         `json:"device_memory_bytes_per_second"` // a byte copied is read and written
	Peer     Value         `json:"peer_to_device_bytes_per_second"`
	PeerPath string        `json:"peer_path"`
	Launch   Value         `json:"launch_ns"` // from launching a kernel for one element to its end
	Took     time.Duration `json:"took_ns"`
}

// Turn is how long a rate is usually measured. All rates then take about ten
// seconds.
const Turn = 300 * time.Millisecond

// session is a device being measured.
type session struct {
	ctx  context.Context
	turn time.Duration
	open func(context.Context) (driver.Device, error)
	d    *adapter.Device
	s    *adapter.Stream
	f    *Figures
}

// Device measures a device that open returns, each rate for a turn. A figure that
// cannot be had says why; the error is of the device's opening or closing, or of
// the context's end.
func Device(ctx context.Context, name string, open func(context.Context) (driver.Device, error), turn time.Duration) (*Figures, error) {
	start := time.Now()
	drv, err := open(ctx)
	if err != nil {
		return nil, err
	}
	m := &session{ctx: ctx, turn: turn, open: open, d: adapter.New(name, drv), f: &Figures{}}
	if m.s, err = m.d.NewStream(); err != nil {
		return nil, errors.Join(err, m.d.Close())
	}
	m.arithmetic()
	m.launch()
	m.copies()
	m.peer()
	m.memory()
	m.f.Took = time.Since(start)
	return m.f, errors.Join(ctx.Err(), m.d.Close())
}

// best returns the most that f does a second: f does an amount, and is called
// until the turn is over, twice at least. The first time makes things ready.
func (m *session) best(turn time.Duration, amount float64, f func() error) (float64, error) {
	most := 0.0
	for start, rounds := time.Now(), 0; rounds < 2 || time.Since(start) < turn; rounds++ {
		began := time.Now()
		if err := errors.Join(f(), m.ctx.Err()); err != nil {
			return 0, err
		}
		if took := time.Since(began).Seconds(); took > 0 && rounds > 0 {
			most = max(most, amount/took)
		}
	}
	return most, nil
}

// set notes what was measured, or why nothing was.
func (v *Value) set(measured float64, err error) {
	v.Measured = measured
	if err != nil {
		v.Reason = err.Error()
	}
}

// copies measures the ways between host and device, and inside.
func (m *session) copies() {
	rates := m.d.Info().Rates
	f := m.f
	f.HostIn.Declared, f.HostOut.Declared, f.Inside.Declared = rates.HostIn, rates.HostOut, rates.Memory
	size := m.block()
	host := make([]byte, size)
	for i := range host {
		host[i] = byte(i)
	}
	a, err := m.d.Alloc(size, driver.DeviceMemory)
	if err != nil {
		f.HostIn.set(0, err)
		f.HostOut.set(0, err)
		f.Inside.set(0, err)
		return
	}
	f.HostIn.set(m.best(m.turn, float64(size), func() error { return m.d.CopyIn(m.ctx, a.All(), host) }))
	f.HostOut.set(m.best(m.turn, float64(size), func() error { return m.d.CopyOut(m.ctx, host, a.All()) }))
	b, err := m.d.Alloc(size, driver.DeviceMemory)
	if err != nil {
		f.Inside.set(0, errors.Join(err, a.Free()))
		return
	}
	f.Inside.set(m.best(m.turn, 2*float64(size), func() error {
		return errors.Join(m.s.Copy(m.ctx, b.All(), a.All()), m.s.Synchronize(m.ctx))
	}))
	if err := errors.Join(a.Free(), b.Free()); err != nil {
		f.Inside.set(0, err)
	}
}

// block is how many bytes are copied at a time: 64 MiB, or as much less as lets
// four times that be had.
func (m *session) block() int64 {
	size := int64(64 << 20)
	for ; size > 4096; size /= 2 {
		b, err := m.d.Alloc(4*size, driver.DeviceMemory)
		if err == nil && b.Free() == nil {
			break
		}
	}
	return size
}

// peer measures the way from a second handle of the device.
func (m *session) peer() {
	drv, err := m.open(m.ctx)
	if err != nil {
		m.f.Peer.set(0, err)
		return
	}
	other := adapter.New(m.d.Name()+" again", drv)
	defer other.Close() // a failure to close was seen on the device itself
	m.f.PeerPath = m.d.CanCopy(other).String()
	size := m.block()
	from, err := other.Alloc(size, driver.DeviceMemory)
	if err != nil {
		m.f.Peer.set(0, err)
		return
	}
	to, err := m.d.Alloc(size, driver.DeviceMemory)
	if err != nil {
		m.f.Peer.set(0, err)
		return
	}
	rate, err := m.best(m.turn, float64(size), func() error {
		return errors.Join(m.s.CopyFrom(m.ctx, to.All(), other, from.All()), m.s.Synchronize(m.ctx))
	})
	m.f.Peer.set(rate, errors.Join(err, to.Free()))
}

// memory allocates until there is no more, or until an eighth of the host's
// memory is allocated, because that may be where the device's lies.
func (m *session) memory() {
	v := &m.f.Memory
	v.Declared = float64(m.d.Info().Memory)
	most := min(tensor.HostMemory(), math.MaxInt) / 8
	const piece = 64 << 20
	var held []*adapter.Buffer
	size := int64(piece)
	for start := time.Now(); ; {
		b, err := m.d.Alloc(size, driver.DeviceMemory)
		switch {
		case err == nil:
			held = append(held, b)
			v.Measured += float64(size)
		case errors.Is(err, driver.OutOfMemory) && size > 4096:
			size /= 2
			continue
		case errors.Is(err, driver.OutOfMemory):
		default:
			v.Reason = fmt.Sprintf("after %.0f bytes: %v", v.Measured, err)
		}
		if v.AtLeast = err == nil; err != nil || v.Measured >= float64(most) || time.Since(start) > max(4*m.turn, time.Second) || m.ctx.Err() != nil {
			break
		}
	}
	for _, b := range held {
		if err := b.Free(); err != nil {
			v.Reason = err.Error()
		}
	}
}

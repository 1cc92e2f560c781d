package indicator

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/pool"
)

// probe is an attempt that has to fail, or something that has to go on; nil is
// as it should be.
type probe struct {
	name string
	try  func() error
}

// share makes all probes and returns the share that ended well.
func share(probes []probe) Reading {
	var bad []string
	for _, p := range probes {
		if err := p.try(); err != nil {
			bad = append(bad, fmt.Sprintf("%s: %v", p.name, err))
		}
	}
	return read(1-float64(len(bad))/float64(len(probes)), "%s", strings.Join(append([]string{fmt.Sprintf("%d attempts", len(probes))}, bad...), "; "))
}

// refused turns the error that is wanted into nil.
func refused(err error) error {
	switch {
	case err == nil:
		return errors.New("it was not refused")
	case errors.Is(err, driver.InvalidArgument), errors.Is(err, driver.OutOfMemory), errors.Is(err, driver.Closed):
		return nil
	}
	return err
}

// secret is what a tenant leaves in memory.
var secret = bytes.Repeat([]byte("top secret tenan"), 256)

// tenants are two instances, each with a buffer that fills it.
type tenants struct {
	own, other   *adapter.Device
	mine, theirs *adapter.Buffer
}

// withTenants gives f two instances of a half, of which the second has written
// into its memory.
func (b *bench) withTenants(ctx context.Context, f func(*tenants) error) error {
	return b.instances(ctx, func(in ...*pool.Instance) error {
		t := &tenants{own: in[0].Device(), other: in[1].Device()}
		var err error
		if t.mine, err = t.own.Alloc(int64(len(secret)), driver.DeviceMemory); err != nil {
			return err
		}
		if t.theirs, err = t.other.Alloc(int64(len(secret)), driver.DeviceMemory); err != nil {
			return err
		}
		if err := t.other.CopyIn(ctx, t.theirs.All(), secret); err != nil {
			return err
		}
		return f(t)
	}, 0.5, 0.5)
}

// unharmed says whether the second still has its memory, and can work.
func (t *tenants) unharmed(ctx context.Context) error {
	got := make([]byte, len(secret))
	if err := t.other.CopyOut(ctx, got, t.theirs.All()); err != nil {
		return err
	}
	if !bytes.Equal(got, secret) {
		return errors.New("its bytes have changed")
	}
	return nil
}

func memoryIsolation(ctx context.Context, b *bench) (r Reading, err error) {
	if r, no := b.indivisible(2); no {
		return r, nil
	}
	err = b.withTenants(ctx, func(t *tenants) error {
		host := make([]byte, len(secret))
		beyond := driver.Region{Buffer: t.mine.All().Buffer, Offset: 1, Size: int64(len(secret))}
		r = share([]probe{
			{"reading a neighbour's buffer", func() error { return refused(t.own.CopyOut(ctx, host, t.theirs.All())) }},
			{"writing a neighbour's buffer", func() error { return refused(t.own.CopyIn(ctx, t.theirs.All(), host)) }},
			{"copying a neighbour's buffer", func() error { return refused(t.own.Copy(ctx, t.mine.All(), t.theirs.All())) }},
			{"copying over a neighbour's buffer", func() error { return refused(t.own.Copy(ctx, t.theirs.All(), t.mine.All())) }},
			{"filling a neighbour's buffer", func() error { return refused(t.own.Fill(ctx, t.theirs.All(), []byte{0})) }},
			{"reading beyond a buffer", func() error { return refused(t.own.CopyOut(ctx, host, beyond)) }},
			{"writing beyond a buffer", func() error { return refused(t.own.CopyIn(ctx, beyond, host)) }},
			{"allocating beyond the quota", func() error {
				_, err := t.own.Alloc(t.own.Info().Memory, driver.DeviceMemory)
				return refused(err)
			}},
			{"a full neighbour", func() error { return fill(t) }},
			{"the neighbour's bytes", func() error { return t.unharmed(ctx) }},
			{"memory that another had before", func() error { return b.residue(ctx) }},
		})
		return nil
	})
	return r, err
}

// fill exhausts the first instance and sees whether the second still has its
// quota.
func fill(t *tenants) error {
	rest := t.own.Info().Memory - t.own.Stats().InUse
	all, err := t.own.Alloc(rest, driver.DeviceMemory)
	if err != nil {
		return err
	}
	defer all.Free()
	rest = t.other.Info().Memory - t.other.Stats().InUse
	theirs, err := t.other.Alloc(rest, driver.DeviceMemory)
	if err != nil {
		return err
	}
	return theirs.Free()
}

// residue looks in the memory of a new instance for what its predecessor left.
func (b *bench) residue(ctx context.Context) error {
	card, err := b.options.Open(ctx)
	if err != nil {
		return err
	}
	defer card.Close()
	for tenant := range 4 {
		d, err := card.Partition(ctx, driver.PartitionSpec{Memory: b.quota(), Compute: 1})
		if err != nil {
			return err
		}
		defer d.Close()
		size := max(b.quota()/2, 16)
		buffer, err := d.Alloc(size, driver.DeviceMemory)
		if err != nil {
			return err
		}
		got := make([]byte, size)
		if err := d.CopyOut(ctx, got, buffer.All()); err != nil {
			return err
		}
		if i := bytes.Index(got, secret[:16]); i >= 0 {
			return fmt.Errorf("tenant %d finds at byte %d what another wrote", tenant, i)
		}
		if err := d.Fill(ctx, driver.Region{Buffer: buffer.All().Buffer, Size: size &^ 15}, secret[:16]); err != nil {
			return err
		}
		if err := d.Close(); err != nil {
			return err
		}
	}
	return nil
}

// Breaker is implemented by devices that can be told to fail: the emulated ones.
type Breaker interface{ Lose(why string) }

func faultIsolation(ctx context.Context, b *bench) (r Reading, err error) {
	if r, no := b.indivisible(2); no {
		return r, nil
	}
	err = b.withTenants(ctx, func(t *tenants) error {
		// after makes a fault, and sees whether everyone else is as before.
		after := func(fault func() error) func() error {
			return func() error {
				if err := fault(); err != nil {
					return err
				}
				if status := b.card.Status(); status != adapter.StatusReady {
					return fmt.Errorf("the card is %s", status)
				}
				return t.unharmed(ctx)
			}
		}
		host := make([]byte, 16)
		probes := []probe{
			{"out of memory", after(func() error {
				_, err := t.own.Alloc(1<<50, driver.DeviceMemory)
				return refused(err)
			})},
			{"a buffer freed twice", after(func() error {
				buffer, err := t.own.Alloc(16, driver.DeviceMemory)
				if err != nil {
					return err
				}
				return errors.Join(buffer.Free(), refused(buffer.Free()))
			})},
			{"a freed buffer in use", after(func() error {
				buffer, err := t.own.Alloc(16, driver.DeviceMemory)
				if err != nil {
					return err
				}
				region := buffer.All()
				return errors.Join(buffer.Free(), refused(t.own.CopyIn(ctx, region, host)))
			})},
		}
		if breaker, ok := adapter.As[Breaker](t.own); ok {
			probes = append(probes, probe{"loss of the instance", after(func() error {
				breaker.Lose("a fault of the instance")
				return lost(t.own)
			})})
		}
		probes = append(probes,
			probe{"an instance taken back", after(func() error {
				t.own.Revoke(driver.DeviceLost)
				return lost(t.own)
			})},
			probe{"an instance closed with buffers in use", after(t.own.Close)})
		r = share(probes)
		return nil
	})
	return r, err
}

// lost says whether a device knows that it is lost.
func lost(d *adapter.Device) error {
	if _, err := d.Alloc(1, driver.DeviceMemory); !errors.Is(err, driver.DeviceLost) {
		return fmt.Errorf("it is lost and says %v", err)
	}
	return nil
}

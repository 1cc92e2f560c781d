package adapter

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"sync"

	"example.com/midplane/adapter/driver"
)

// division is what a device has given to partitions.
type division struct {
	mu      sync.Mutex
	parts   map[*Device]driver.PartitionSpec
	made    int // partitions ever made, for their names
	parent  *Device
	memory  int64
	compute float64
}

// PartitionPlans lists the sizes that partitions of the device come in; none
// where any size will do.
func (d *Device) PartitionPlans() []driver.PartitionPlan {
	if p, ok := As[driver.Partitioner](d); ok && d.enter("PartitionPlans") == nil {
		defer d.leave()
		return p.PartitionPlans()
	}
	return nil
}

// Parent returns the device that this one is a partition of, nil if it is none.
func (d *Device) Parent() *Device { return d.division.parent }

// Partition returns a device over a part of this one, with memory and a share of
// the compute units of its own. Closing it gives the part back, as closing this
// device does. Where the driver cannot divide the device, but it was opened by
// name, it is opened again with that limit of memory and its share of the
// threads, of which it has one at least; the memory is then no longer this
// device's to allocate. What comes in steps is in [Device.PartitionGranule].
func (d *Device) Partition(ctx context.Context, spec driver.PartitionSpec) (*Device, error) {
	const op = "Partition"
	if err := d.enterCtx(ctx, op); err != nil {
		return nil, err
	}
	defer d.leave()
	if spec.Memory < 1 || !(spec.Compute > 0 && spec.Compute <= 1) {
		return nil, d.refuse(op, "%d bytes and a share of %g; memory is at least 1, a share above 0 and at most 1", spec.Memory, spec.Compute)
	}
	total := d.total()
	number, err := d.division.take(total, spec)
	if err != nil {
		return nil, d.named(op, err)
	}
	part, err := d.divide(ctx, total, spec, fmt.Sprintf("%s/%d", d.name, number))
	if err != nil {
		d.division.giveBack(nil, spec)
		return nil, d.named(op, err)
	}
	part.division.parent = d
	d.division.mu.Lock()
	d.division.parts[part] = spec
	d.division.mu.Unlock()
	part.origin = part.origin.andThen(func() { d.division.giveBack(part, spec) })
	go part.follow(d)
	return part, nil
}

// divide makes a partition, by the driver or by opening the device again.
func (d *Device) divide(ctx context.Context, total int64, spec driver.PartitionSpec, name string) (*Device, error) {
	if p, ok := As[driver.Partitioner](d); ok {
		drv, err := p.Partition(ctx, spec)
		if err != nil {
			return nil, err
		}
		return newDevice(name, drv, drv.Info().Caps, d.version), nil
	}
	if d.origin == nil || d.origin.open == nil {
		return nil, errIndivisible()
	}
	if err := d.memory.reserve(total, spec.Memory); err != nil {
		return nil, err
	}
	part, err := d.origin.open(ctx, &Options{Threads: max(1, int(math.Round(spec.Compute*float64(d.threads())))), MemoryLimit: spec.Memory})
	if err != nil {
		d.memory.reserved.Add(-spec.Memory)
		return nil, err
	}
	part.name = name
	part.info.Memory = spec.Memory
	part.memory.capacity.Store(spec.Memory)
	part.origin = part.origin.andThen(func() { d.memory.reserved.Add(-spec.Memory) })
	return part, nil
}

func errIndivisible() error {
	return driver.Errorf(Unsupported, "Partition", "the device has not the capability Partitioner, and was not opened by name")
}

// threads is how many host threads the device was opened with.
func (d *Device) threads() int {
	if d.origin != nil && d.origin.options.Threads > 0 {
		return d.origin.options.Threads
	}
	return runtime.GOMAXPROCS(0)
}

// PartitionGranule returns the steps in which partitions' memory and compute
// come: bytes, and a share of the compute units that is 0 where any will do. A
// partition gets the steps that its specification begins. A processor that is
// opened again is divided by threads; any other device that is can have its
// memory divided, not its units: the step is all of them. It fails with
// [Unsupported] for a device that cannot be divided.
func (d *Device) PartitionGranule() (driver.PartitionSpec, error) {
	const op = "PartitionGranule"
	step := driver.PartitionSpec{Memory: 1}
	if _, divides := As[driver.Partitioner](d); !divides {
		switch {
		case d.origin == nil || d.origin.open == nil:
			return step, d.named(op, errIndivisible())
		case d.info.Class == driver.CPU:
			step.Compute = 1 / float64(d.threads())
		default:
			step.Compute = 1
		}
	}
	g, err := d.Granularity(driver.DeviceMemory)
	if err == nil && g.Min > 1 {
		step.Memory = g.Min
	}
	return step, d.named(op, err)
}

// total is how much memory can be divided, 0 where unknown.
func (d *Device) total() int64 {
	if limit := d.Stats().Limit; limit > 0 {
		return limit
	}
	return d.info.Memory
}

// follow makes a partition lost when its parent is.
func (d *Device) follow(parent *Device) {
	select {
	case <-parent.lost:
		d.lose(&Error{Code: DeviceLost, Scope: driver.ScopeDevice, Sticky: true, Device: d.name, Text: parent.name + " is lost", Err: parent.lostWhy})
	case <-d.closing.Done():
	}
}

// take reserves a part, and returns its number.
func (v *division) take(total int64, spec driver.PartitionSpec) (int, error) {
	const rounding = 1e-9 // of shares that add up to 1
	v.mu.Lock()
	defer v.mu.Unlock()
	if total > 0 && spec.Memory > total-v.memory {
		return 0, &Error{Code: OutOfMemory, Retryable: spec.Memory <= total, Wanted: spec.Memory, Available: max(total-v.memory, 0),
			Text: fmt.Sprintf("a partition of %d bytes, with %d of %d given to others", spec.Memory, v.memory, total)}
	}
	if v.compute+spec.Compute > 1+rounding {
		return 0, &Error{Code: Unavailable, Retryable: true,
			Text: fmt.Sprintf("a share of %.3g of the compute units, with %.3g given to others", spec.Compute, v.compute)}
	}
	if v.parts == nil {
		v.parts = make(map[*Device]driver.PartitionSpec)
	}
	v.memory += spec.Memory
	v.compute += spec.Compute
	v.made++
	return v.made, nil
}

func (v *division) giveBack(part *Device, spec driver.PartitionSpec) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.memory -= spec.Memory
	v.compute -= spec.Compute
	if delete(v.parts, part); len(v.parts) == 0 && v.memory == 0 {
		v.compute = 0 // whatever rounding has left
	}
}

// closeAll closes the partitions that are left.
func (v *division) closeAll() error {
	v.mu.Lock()
	parts := make([]*Device, 0, len(v.parts))
	for p := range v.parts {
		parts = append(parts, p)
	}
	v.mu.Unlock()
	var errs []error
	for _, p := range parts {
		errs = append(errs, p.Close())
	}
	return errors.Join(errs...)
}

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
// threads.
func (d *Device) Partition(ctx context.Context, spec driver.PartitionSpec) (*Device, error) {
	const op = "Partition"
	if err := d.enterCtx(ctx, op); err != nil {
		return nil, err
	}
	defer d.leave()
	if spec.Memory < 1 || !(spec.Compute > 0 && spec.Compute <= 1) {
		return nil, d.refuse(op, "%d bytes and a share of %g; memory is at least 1, a share above 0 and at most 1", spec.Memory, spec.Compute)
	}
	number, err := d.division.take(d.total(), spec)
	if err != nil {
		return nil, d.named(op, err)
	}
	part, err := d.divide(ctx, spec, fmt.Sprintf("%s/%d", d.name, number))
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
func (d *Device) divide(ctx context.Context, spec driver.PartitionSpec, name string) (*Device, error) {
	if p, ok := As[driver.Partitioner](d); ok {
		drv, err := p.Partition(ctx, spec)
		if err != nil {
			return nil, err
		}
		return newDevice(name, drv, d.version), nil
	}
	if d.origin == nil || d.origin.open == nil {
		return nil, driver.Errorf(Unsupported, "Partition", "the device has not the capability Partitioner, and was not opened by name")
	}
	threads := d.origin.options.Threads
	if threads <= 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	part, err := d.origin.open(ctx, &Options{Threads: max(1, int(math.Round(spec.Compute*float64(threads)))), MemoryLimit: spec.Memory})
	if err != nil {
		return nil, err
	}
	part.name = name
	part.info.Memory = spec.Memory
	return part, nil
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

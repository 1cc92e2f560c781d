package emu

import (
	"context"
	"errors"
	"fmt"

	"example.com/midplane/adapter/driver"
)

// PartitionPlans implements driver.Partitioner: any size will do.
func (d *Device) PartitionPlans() []driver.PartitionPlan { return nil }

// Partition implements driver.Partitioner. The memory is taken from the device's
// own; a share of the compute units means that work takes so much longer.
func (d *Device) Partition(ctx context.Context, spec driver.PartitionSpec) (driver.Device, error) {
	const op = "Partition"
	if err := d.able(driver.CapPartitioner, op); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, failure(op, driver.ScopeCall, err)
	}
	if err := d.readyFor(ctx, op); err != nil {
		return nil, err
	}
	if spec.Memory < 1 || !(spec.Compute > 0 && spec.Compute <= 1) {
		return nil, driver.Errorf(driver.InvalidArgument, op, "%d bytes and a share of %g", spec.Memory, spec.Compute)
	}
	taken, err := d.memory.reserve(spec.Memory)
	if err != nil {
		return nil, failure(op, driver.ScopeCall, err)
	}
	options := d.options
	options.Memory, options.Faults, options.Fault = taken, nil, nil
	p := New(&options)
	p.info = d.info
	p.info.Memory, p.info.Description = taken, fmt.Sprintf("%.3g of %s", spec.Compute, d.info.Description)
	p.parent, p.share = d, spec.Compute*d.share

	d.mu.Lock()
	defer d.mu.Unlock()
	used := spec.Compute
	for _, share := range d.parts {
		used += share
	}
	const rounding = 1e-9
	switch {
	case used > 1+rounding:
		err = &driver.Error{Code: driver.Unavailable, Retryable: true, Op: op, Text: fmt.Sprintf("a share of %.3g of the units, with %.3g in use", spec.Compute, used-spec.Compute)}
	default:
		err = d.alive(op)
	}
	if err != nil {
		d.memory.giveBack(taken)
		p.parent = nil
		return nil, also(err, p.Close())
	}
	if d.parts == nil {
		d.parts = make(map[*Device]float64)
	}
	d.parts[p] = spec.Compute
	return p, nil
}

// takeBack gives the part of a closed partition back.
func (d *Device) takeBack(p *Device) {
	d.mu.Lock()
	_, had := d.parts[p]
	delete(d.parts, p)
	d.mu.Unlock()
	if had {
		d.memory.giveBack(p.memory.limit)
	}
}

// closePartitions closes what is left of them.
func (d *Device) closePartitions() error {
	d.mu.Lock()
	parts := make([]*Device, 0, len(d.parts))
	for p := range d.parts {
		parts = append(parts, p)
	}
	d.mu.Unlock()
	var errs []error
	for _, p := range parts {
		errs = append(errs, p.Close())
	}
	return errors.Join(errs...)
}

package device

import (
	"math"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/driver"
)

func partitionCells() []Cell {
	return []Cell{
		works("Partitioner.PartitionPlans", func(p *probe) {
			for _, plan := range p.d.PartitionPlans() {
				p.expect(plan.Name != "" && plan.Memory > 0 && plan.Compute > 0 && plan.Compute <= 1 && plan.Max >= 1, "the plan %+v", plan)
			}
		}),
		works("Partitioner.Partition", func(p *probe) {
			spec := p.part()
			a, b := p.divide(spec), p.divide(spec)
			p.expect(a.Parent() == p.d, "the partition's parent is another device")
			x, y := p.uploadTo(a, pattern(5000, 1)), p.uploadTo(b, pattern(5000, 2))
			p.same(p.bytes(x), pattern(5000, 1), "memory of one partition")
			p.refusedAs(a.CopyOut(p.ctx, make([]byte, 5000), y.All()), staleOrForeign, "a partition's reading of another's memory")
			p.must(a.Close(), "closing a partition")
			p.same(p.bytes(y), pattern(5000, 2), "memory of one partition when another is closed")
			p.must(p.divide(spec).Close(), "taking the part again that was given back")
			p.must(p.d.Close(), "closing the device with a partition left")
			p.expect(b.Status() == adapter.StatusClosed, "a partition of a closed device is %s", b.Status())
		}),
		cell("Partitioner.Partition", "quota", func(p *probe) {
			spec := p.part()
			a := p.divide(spec)
			_, err := a.Alloc(spec.Memory+1<<16, driver.DeviceMemory)
			p.refused(err, driver.OutOfMemory, "more memory than the partition has")
			p.must(p.allocOn(a, spec.Memory/2).Free(), "freeing half of the partition's memory")
			_, err = p.d.Partition(p.ctx, driver.PartitionSpec{Memory: 1 << 20, Compute: 1})
			p.refusedAs(err, []driver.Code{driver.Unavailable, driver.OutOfMemory}, "all compute units, of which a partition has some")
		}),
		faulty("Partitioner.Partition", "loss", func(p *probe) {
			a := p.divide(p.part())
			p.lose()
			p.eventually(driver.LossBound, func() bool { return a.Status() == adapter.StatusLost }, "a partition of a lost device is lost")
		}),
		refuses("Partitioner.Partition", func(p *probe) {
			for _, s := range []driver.PartitionSpec{
				{}, {Memory: -1, Compute: 0.5}, {Memory: math.MinInt64, Compute: 0.5}, {Memory: 1 << 20}, {Memory: 1 << 20, Compute: -0.5},
				{Memory: 1 << 20, Compute: 1.5}, {Memory: 1 << 20, Compute: math.NaN()}, {Memory: 1 << 20, Compute: math.Inf(1)},
			} {
				_, err := p.d.Partition(p.ctx, s)
				p.refused(err, driver.InvalidArgument, "%+v", s)
			}
			_, err := p.d.Partition(p.ctx, driver.PartitionSpec{Memory: math.MaxInt64, Compute: 0.5})
			p.refused(err, driver.OutOfMemory, "%d bytes", int64(math.MaxInt64))
		}),
	}
}

// part is a size that the device can be divided into at least twice.
func (p *probe) part() driver.PartitionSpec {
	for _, plan := range p.d.PartitionPlans() {
		if plan.Max >= 2 {
			return plan.PartitionSpec
		}
	}
	return driver.PartitionSpec{Memory: 1 << 22, Compute: 0.25}
}

// divide makes a partition, which closes with the device.
func (p *probe) divide(spec driver.PartitionSpec) *adapter.Device {
	d, err := p.d.Partition(p.ctx, spec)
	p.must(err, "a partition of %d bytes and %g of the units", spec.Memory, spec.Compute)
	return d
}

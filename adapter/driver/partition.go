package driver

import "context"

// Partitioner is implemented by a device that can be divided into devices of
// their own, each with memory and a share of the compute units.
//
// Absent: a device that is opened by name is opened again with a memory limit
// and fewer threads.
type Partitioner interface {
	// PartitionPlans lists the sizes that partitions come in; none where any
	// size will do.
	PartitionPlans() []PartitionPlan
	// Partition returns a device over a part of this one. Its faults and its
	// memory are its own; loss of this device is its loss. Closing it gives the
	// part back, as closing this device does.
	Partition(ctx context.Context, spec PartitionSpec) (Device, error)
}

// PartitionSpec says what a partition is to have.
type PartitionSpec struct {
	Memory  int64   // bytes
	Compute float64 // share of the device's compute units, above 0 and at most 1
}

// PartitionPlan is a size that partitions come in.
type PartitionPlan struct {
	Name string
	PartitionSpec
	Max int // how many there can be of this size alone
}

package microsoft

import (
	"fmt"

	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
)

// movements holds Trilu, NhwcMaxPool.
var movements = []operator{
	{
		schema: define("Trilu", "X T, k I?", "Y T", map[string][]string{
			"T": {"float16", "float", "double", "bfloat16", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64", "bool"},
			"I": {"int64"},
		}, set("upper", int64(1))),
		rule: sameOperator("Trilu"),
	},
	{
		schema: define("NhwcMaxPool", "x T", "y T", map[string][]string{"T": bytesOnly}, set("auto_pad", "NOTSET"),
			set("ceil_mode", int64(0)), may("dilations", operators.IntsAttribute), must("kernel_shape", operators.IntsAttribute),
			may("pads", operators.IntsAttribute), may("strides", operators.IntsAttribute)),
		rule:    nhwcMaxPool,
		compute: byRule(nhwcMaxPool),
	},
}

func nhwcMaxPool(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	e, err := emit(b, n, 0)
	if err != nil {
		return nil, err
	}
	return channelsLast(e, func(x *graph.Value) *graph.Value {
		return e.Op("MaxPool", []*graph.Value{x}, n.Attributes...)
	}, e.in(0))
}

// channelsLast applies f, which takes (batch, channels, …), to x (batch, …,
// channels).
func channelsLast(e emitter, f func(*graph.Value) *graph.Value, x *graph.Value) ([]*graph.Value, error) {
	rank := len(x.Type.Dims)
	if rank < 3 {
		return nil, fmt.Errorf("the rank of %v must be known to be 3 or more", x.Type)
	}
	return []*graph.Value{e.transpose(f(e.transpose(x, channelsFirst(rank)...)), channelsBehind(rank)...)}, nil
}

// channelsFirst is the order of the axes of (batch, …, channels) as (batch,
// channels, …).
func channelsFirst(rank int) []int64 {
	perm := []int64{0, int64(rank - 1)}
	for axis := 1; axis < rank-1; axis++ {
		perm = append(perm, int64(axis))
	}
	return perm
}

// channelsBehind is the inverse of channelsFirst.
func channelsBehind(rank int) []int64 {
	perm := []int64{0}
	for axis := 2; axis < rank; axis++ {
		perm = append(perm, int64(axis))
	}
	return append(perm, 1)
}

package operators_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
)

type namedKernel string

func (namedKernel) Run(context.Context, *operators.Call) error { return nil }

func build(name string) func(*graph.Node) (operators.Kernel, error) {
	return func(*graph.Node) (operators.Kernel, error) { return namedKernel(name), nil }
}

func node(op string, version int, types ...tensor.DType) *graph.Node {
	n := &graph.Node{Op: op, Version: version, Outputs: []*graph.Value{{}}}
	for _, d := range types {
		n.Inputs = append(n.Inputs, &graph.Value{Type: tensor.TensorType(d, nil)})
	}
	return n
}

func TestRegistryPicksTheFirstKernelThatFits(t *testing.T) {
	f32 := []tensor.DType{tensor.Float32}
	r := &operators.Registry{}
	r.Register(
		operators.Entry{Key: operators.Key{Op: "Conv", Since: 11, Until: 21, Inputs: [][]tensor.DType{f32}}, Kernel: "old", Build: build("old")},
		operators.Entry{Key: operators.Key{Op: "Conv", Inputs: [][]tensor.DType{f32}}, Kernel: "direct", Build: build("direct"),
			Accept: func(n *graph.Node) operators.Verdict {
				if n.Int("group", 1) != 1 {
					return operators.Verdict{Reason: operators.WrongAttribute, Detail: "group"}
				}
				return operators.Verdict{Level: operators.Native}
			}},
		operators.Entry{Key: operators.Key{Op: "Conv", Inputs: [][]tensor.DType{nil, f32}}, Kernel: "any", Build: build("any")},
		operators.Entry{Key: operators.Key{Domain: "com.example", Op: "Conv"}, Kernel: "theirs", Build: build("theirs")},
	)
	grouped := node("Conv", 22, tensor.Float32, tensor.Float32)
	grouped.Set(graph.A("group", int64(2)))
	tests := []struct {
		name   string
		node   *graph.Node
		kernel string
		reason operators.Reason
	}{
		{"version inside the range", node("Conv", 11, tensor.Float32, tensor.Float32), "old", 0},
		{"version after the range", node("Conv", 22, tensor.Float32, tensor.Float32), "direct", 0},
		{"attribute refused, next one fits", grouped, "any", 0},
		{"type of the second input", node("Conv", 22, tensor.Float64, tensor.Float64), "", operators.WrongType},
		{"first input free", node("Conv", 22, tensor.Float64, tensor.Float32), "any", 0},
		{"no kernel", node("Gemm", 13, tensor.Float32), "", operators.NoKernel},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			v := r.Supports(c.node)
			assert.Equal(t, c.reason, v.Reason, v)
			k, err := r.Build(c.node)
			if c.kernel == "" {
				assert.Equal(t, operators.Unsupported, v.Level)
				require.Error(t, err)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, c.kernel, v.Kernel)
			assert.Equal(t, namedKernel(c.kernel), k)
		})
	}
	theirs := node("Conv", 1)
	theirs.Domain = "com.example"
	assert.Equal(t, "theirs", r.Supports(theirs).Kernel)
}

func TestNewOutputHoldsKernelsToWhatWasInferred(t *testing.T) {
	made := operators.Operand{DType: tensor.Float32, Shape: tensor.Shape{2}, Host: tensor.Zeros(tensor.Float32, tensor.Shape{2})}
	c := &operators.Call{Outputs: []operators.Operand{made, {}}}
	c.Allocate = func(i int, d tensor.DType, shape tensor.Shape) (operators.Operand, error) {
		return operators.Operand{DType: d, Shape: shape, Host: tensor.Zeros(d, shape)}, nil
	}
	_, err := c.NewOutput(0, tensor.Float32, tensor.Shape{2})
	require.NoError(t, err)
	_, err = c.NewOutput(0, tensor.Float32, tensor.Shape{3})
	require.ErrorContains(t, err, "[3]")
	_, err = c.NewOutput(0, tensor.Int32, tensor.Shape{2})
	require.ErrorContains(t, err, "int32")
	o, err := c.NewOutput(1, tensor.Int64, tensor.Shape{4})
	require.NoError(t, err)
	assert.Equal(t, o, c.Outputs[1])
}

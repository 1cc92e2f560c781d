package cpu_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

func TestAttention(t *testing.T) {
	f := func(seed uint64, s ...int) *tensor.Tensor { return random(seed, tensor.Float32, s...) }
	i := func(name string, v int64) graph.Attribute { return graph.A(name, v) }
	bools := func(s ...int) *tensor.Tensor {
		v, r := tensor.Zeros(tensor.Bool, s), rand.New(rand.NewPCG(1, 2))
		for j := range tensor.Slice[bool](v) {
			tensor.Slice[bool](v)[j] = r.IntN(3) > 0
		}
		return v
	}
	some := func(s ...int) *tensor.Tensor { // a mask that hides some keys, and all from one query
		v := f(7, s...)
		for j := range tensor.Slice[float32](v) {
			if j%5 == 0 || j < s[len(s)-1] {
				tensor.Slice[float32](v)[j] = float32(math.Inf(-1))
			}
		}
		return v
	}
	packed := []graph.Attribute{i("q_num_heads", 6), i("kv_num_heads", 3)}
	for name, c := range map[string]struct {
		attributes []graph.Attribute
		inputs     []*tensor.Tensor
		outputs    int
	}{
		"heads":                   {nil, []*tensor.Tensor{f(1, 2, 3, 5, 8), f(2, 2, 3, 7, 8), f(3, 2, 3, 7, 9)}, 1},
		"one query":               {nil, []*tensor.Tensor{f(1, 2, 3, 1, 8), f(2, 2, 3, 7, 8), f(3, 2, 3, 7, 9)}, 1},
		"packed, in groups":       {packed, []*tensor.Tensor{f(1, 2, 5, 48), f(2, 2, 7, 24), f(3, 2, 7, 30)}, 1},
		"packed, one query":       {packed, []*tensor.Tensor{f(1, 2, 1, 48), f(2, 2, 7, 24), f(3, 2, 7, 30)}, 1},
		"long":                    {nil, []*tensor.Tensor{f(1, 1, 2, 300, 16), f(2, 1, 2, 700, 16), f(3, 1, 2, 700, 16)}, 1},
		"causal":                  {[]graph.Attribute{i("is_causal", 1)}, []*tensor.Tensor{f(1, 2, 3, 5, 8), f(2, 2, 3, 7, 8), f(3, 2, 3, 7, 9)}, 1},
		"window":                  {[]graph.Attribute{i("left_window_size", 1), i("right_window_size", 2)}, []*tensor.Tensor{f(1, 2, 3, 9, 8), f(2, 2, 3, 4, 8), f(3, 2, 3, 4, 9)}, 1},
		"scale, softcap":          {[]graph.Attribute{graph.A("scale", float32(0.7)), graph.A("softcap", float32(2))}, []*tensor.Tensor{f(1, 2, 3, 5, 8), f(2, 2, 3, 7, 8), f(3, 2, 3, 7, 9)}, 1},
		"present":                 {nil, []*tensor.Tensor{f(1, 2, 3, 5, 8), f(2, 2, 3, 7, 8), f(3, 2, 3, 7, 9)}, 3},
		"past and present":        {append(packed, i("is_causal", 1)), []*tensor.Tensor{f(1, 2, 5, 48), f(2, 2, 7, 24), f(3, 2, 7, 30), nil, f(4, 2, 3, 4, 8), f(5, 2, 3, 4, 10)}, 3},
		"past, one query":         {packed, []*tensor.Tensor{f(1, 2, 1, 48), f(2, 2, 1, 24), f(3, 2, 1, 30), nil, f(4, 2, 3, 40, 8), f(5, 2, 3, 40, 10)}, 3},
		"past alone":              {packed, []*tensor.Tensor{f(1, 2, 5, 48), f(2, 2, 7, 24), f(3, 2, 7, 30), nil, f(4, 2, 3, 4, 8), f(5, 2, 3, 4, 10)}, 1},
		"empty past":              {packed, []*tensor.Tensor{f(1, 2, 5, 48), f(2, 2, 7, 24), f(3, 2, 7, 30), nil, f(4, 2, 3, 0, 8), f(5, 2, 3, 0, 10)}, 3},
		"mask":                    {nil, []*tensor.Tensor{f(1, 2, 3, 5, 8), f(2, 2, 3, 7, 8), f(3, 2, 3, 7, 9), some(5, 7)}, 1},
		"mask of samples":         {nil, []*tensor.Tensor{f(1, 2, 3, 5, 8), f(2, 2, 3, 7, 8), f(3, 2, 3, 7, 9), some(2, 1, 1, 7)}, 1},
		"short mask, causal":      {[]graph.Attribute{i("is_causal", 1)}, []*tensor.Tensor{f(1, 2, 3, 5, 8), f(2, 2, 3, 7, 8), f(3, 2, 3, 7, 9), some(3, 5, 4)}, 1},
		"bool mask":               {nil, []*tensor.Tensor{f(1, 2, 3, 5, 8), f(2, 2, 3, 7, 8), f(3, 2, 3, 7, 9), bools(2, 3, 5, 7)}, 1},
		"bool mask of heads":      {nil, []*tensor.Tensor{f(1, 2, 3, 1, 8), f(2, 2, 3, 7, 8), f(3, 2, 3, 7, 9), bools(3, 1, 7)}, 1},
		"a mask that does not go": {nil, []*tensor.Tensor{f(1, 2, 3, 5, 8), f(2, 2, 3, 7, 8), f(3, 2, 3, 7, 9), bools(4, 7)}, 1},
		"sizes that do not go":    {nil, []*tensor.Tensor{f(1, 2, 3, 5, 8), f(2, 2, 3, 7, 6), f(3, 2, 3, 7, 9)}, 1},
		"no keys":                 {nil, []*tensor.Tensor{f(1, 2, 3, 5, 8), f(2, 2, 3, 0, 8), f(3, 2, 3, 0, 9)}, 1},
		"no batch":                {nil, []*tensor.Tensor{f(1, 0, 3, 5, 8), f(2, 0, 3, 7, 8), f(3, 0, 3, 7, 9)}, 3},
	} {
		t.Run(name, func(t *testing.T) {
			for _, threads := range []int{1, 2} {
				agreement{op: "Attention", attributes: c.attributes, inputs: c.inputs, outputs: c.outputs, kernel: "attention", tolerance: 1e-5, threads: threads}.check(t)
			}
		})
	}
}

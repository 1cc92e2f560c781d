package cpu_test

import (
	"testing"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

func TestGroupedAttention(t *testing.T) {
	i := func(name string, v int64) graph.Attribute { return graph.A(name, v) }
	f := func(seed uint64, s ...int) *tensor.Tensor { return random(seed, tensor.Float32, s...) }
	lengths := func(v ...int32) *tensor.Tensor { return tensor.Of(v) }
	total := func(v int32) *tensor.Tensor { return tensor.Of([]int32{v}) }
	with := func(in []*tensor.Tensor, more ...*tensor.Tensor) []*tensor.Tensor {
		return append(in[:len(in):len(in)], more...)
	}
	prompt := tensors(f(1, 2, 3, 32), f(2, 2, 3, 16), f(3, 2, 3, 16), nil, nil, lengths(2, 1), total(3))
	step := tensors(f(1, 2, 1, 32), f(2, 2, 1, 16), f(3, 2, 1, 16), f(4, 2, 2, 9, 8), f(5, 2, 2, 9, 8), lengths(5, 3), total(6))
	chunk := tensors(f(1, 1, 3, 32), f(2, 1, 3, 16), f(3, 1, 3, 16), f(4, 1, 2, 4, 8), f(5, 1, 2, 4, 8), lengths(6), total(7))
	cos, sin, rotary := f(6, 16, 4), f(7, 16, 4), i("do_rotary", 1)
	positions := tensor.Of([]int64{4, 9, 0, 15, 2, 3}, 2, 3)
	for name, c := range map[string]struct {
		inputs     []*tensor.Tensor
		attributes []graph.Attribute
	}{
		"a prompt":                 {prompt, nil},
		"packed":                   {tensors(f(1, 2, 3, 64), nil, nil, nil, nil, lengths(2, 1), total(3)), nil},
		"packed, a step":           {tensors(f(1, 1, 1, 64), nil, nil, f(4, 1, 2, 300, 8), f(5, 1, 2, 300, 8), lengths(300), total(301), cos, sin, tensor.Of([]int64{7}, 1, 1)), []graph.Attribute{rotary}},
		"a long prompt":            {tensors(f(1, 1, 300, 32), f(2, 1, 300, 16), f(3, 1, 300, 16), nil, nil, lengths(299), total(300)), nil},
		"a long prompt, window":    {tensors(f(1, 1, 300, 32), f(2, 1, 300, 16), f(3, 1, 300, 16), nil, nil, lengths(299), total(300)), []graph.Attribute{i("local_window_size", 7)}},
		"a past without steps":     {tensors(f(1, 1, 3, 32), f(2, 1, 3, 16), f(3, 1, 3, 16), f(4, 1, 2, 0, 8), f(5, 1, 2, 0, 8), lengths(2), total(3)), nil},
		"a past that is forgotten": {tensors(f(1, 1, 3, 32), f(2, 1, 3, 16), f(3, 1, 3, 16), f(4, 1, 2, 7, 8), f(5, 1, 2, 7, 8), lengths(2), total(3)), nil},
		"not causal":               {prompt, []graph.Attribute{i("causal", 0)}},
		"not causal, window":       {chunk, []graph.Attribute{i("causal", 0), i("local_window_size", 4)}},
		"softcap and scale":        {prompt, []graph.Attribute{graph.A("softcap", float32(0.5)), graph.A("scale", float32(2))}},
		"rotary":                   {with(prompt, cos, sin), []graph.Attribute{rotary}},
		"rotary, interleaved":      {with(prompt, cos, sin), []graph.Attribute{rotary, i("rotary_interleaved", 1)}},
		"rotary in part":           {with(prompt, f(6, 16, 3), f(7, 16, 3)), []graph.Attribute{rotary}},
		"rotary, positions":        {with(prompt, cos, sin, positions), []graph.Attribute{rotary}},
		"a step":                   {step, nil},
		"a step, window":           {step, []graph.Attribute{i("local_window_size", 3)}},
		"a step, rotary":           {with(step, cos, sin), []graph.Attribute{rotary}},
		"a step, positions":        {with(step, cos, sin, tensor.Of([]int64{9, 1}, 2, 1)), []graph.Attribute{rotary}},
		"a chunk":                  {with(chunk, cos, sin), []graph.Attribute{rotary}},
		"a past that is too short": {tensors(f(1, 1, 1, 32), f(2, 1, 1, 16), f(3, 1, 1, 16), f(4, 1, 2, 4, 8), f(5, 1, 2, 4, 8), lengths(7), total(8)), nil},
		"more keys than a total":   {tensors(f(1, 1, 1, 32), f(2, 1, 1, 16), f(3, 1, 1, 16), f(4, 1, 2, 4, 8), f(5, 1, 2, 4, 8), lengths(4), total(3)), nil},
		"no key":                   {tensors(f(1, 1, 1, 32), f(2, 1, 1, 16), f(3, 1, 1, 16), f(4, 1, 2, 4, 8), f(5, 1, 2, 4, 8), lengths(-1), total(3)), nil},
		"a position without angle": {with(chunk, f(6, 6, 4), f(7, 6, 4)), []graph.Attribute{rotary}},
	} {
		t.Run(name, func(t *testing.T) {
			attributes := append([]graph.Attribute{i("num_heads", 4), i("kv_num_heads", 2)}, c.attributes...)
			for outputs := 1; outputs <= 3; outputs += 2 {
				for _, constants := range [][]int{nil, {6}} {
					agreement{op: "com.microsoft.GroupQueryAttention", attributes: attributes, inputs: c.inputs, outputs: outputs, constants: constants, kernel: "attention/grouped", tolerance: 1e-5}.check(t)
				}
			}
		})
	}
}

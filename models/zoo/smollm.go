package zoo

import (
	"fmt"
	"math"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// llama are the figures of SmolLM-135M, a decoder like that of Touvron et al.,
// "Llama 2: Open foundation and fine-tuned chat models", 2023.
const (
	llamaVocabulary = 49152
	llamaLayers     = 30
	llamaWidth      = 576
	llamaHeads      = 9
	llamaKeys       = 3 // heads of keys and values, each for three of queries
	llamaSize       = llamaWidth / llamaHeads
	llamaInner      = 1536
	llamaPast       = 128 // tokens in the cache that is fed
	llamaEpsilon    = 1e-5
)

// smollmFeed is one token after a cache of others.
var smollmFeed = func() map[string]fill {
	feed := map[string]fill{
		"input_ids": tokens(llamaVocabulary, 1, 1), "attention_mask": alike(1, 1, llamaPast+1), "position_ids": counted(llamaPast, 1, 1),
	}
	for i := range llamaLayers {
		for _, part := range []string{"key", "value"} {
			feed[fmt.Sprintf("past_key_values.%d.%s", i, part)] = of(1, llamaKeys, llamaPast, llamaSize)
		}
	}
	return feed
}()

// decoder is what the layers of a decoder share.
type decoder struct {
	*net
	cos, sin *graph.Value // of the angles by which keys and queries are turned
	hidden   *graph.Value // 0 where a query sees a key, else minus infinity
}

func smollm(n *net) {
	ids := n.input("input_ids", tensor.Int64, "batch", "sequence")
	mask := n.input("attention_mask", tensor.Int64, "batch", "total")
	positions := n.input("position_ids", tensor.Int64, "batch", "sequence")
	table := n.weight("embed_tokens.weight", n.drawn(0.05, llamaVocabulary, llamaWidth))
	x := n.op("Gather", table, ids, attr("axis", int64(0)))
	d := &decoder{net: n}
	d.angles(positions)
	d.causal(mask, positions)
	for i := range llamaLayers {
		past := make([]*graph.Value, 2)
		for j, part := range []string{"key", "value"} {
			past[j] = n.input(fmt.Sprintf("past_key_values.%d.%s", i, part), tensor.Float32, "batch", llamaKeys, "past", llamaSize)
		}
		n.in(fmt.Sprintf("layers.%d", i), func() {
			var present [2]*graph.Value
			x, present = d.layer(x, past)
			defer n.output(fmt.Sprintf("present.%d.key", i), present[0])
			defer n.output(fmt.Sprintf("present.%d.value", i), present[1])
		})
	}
	x = n.rms("norm", x, llamaWidth, llamaEpsilon)
	n.output("logits", n.op("MatMul", x, n.op("Transpose", table, ints("perm", 1, 0))))
}

// angles computes cosines and sines of rotary positions (Su et al., "RoFormer:
// Enhanced transformer with rotary position embedding", 2021).
func (d *decoder) angles(positions *graph.Value) {
	inverse := tensor.Zeros(tensor.Float32, tensor.Shape{1, llamaSize / 2, 1})
	for i := range llamaSize / 2 {
		tensor.Slice[float32](inverse)[i] = float32(math.Pow(10000, -2*float64(i)/llamaSize))
	}
	at := d.cast(d.op("Unsqueeze", positions, d.list(1)), tensor.Float32)
	half := d.op("Transpose", d.op("MatMul", d.constant("inverse_frequencies", inverse), at), ints("perm", 0, 2, 1))
	angle := d.op("Concat", half, half, attr("axis", int64(-1)))
	d.cos = d.op("Unsqueeze", d.op("Cos", angle), d.list(1))
	d.sin = d.op("Unsqueeze", d.op("Sin", angle), d.list(1))
}

// causal hides keys behind a query's position, and those that the mask leaves out.
func (d *decoder) causal(mask, positions *graph.Value) {
	total := d.op("Gather", d.op("Shape", mask), d.index(1), attr("axis", int64(0)))
	keys := d.op("Range", d.index(0), total, d.index(1))
	before := d.op("LessOrEqual", d.op("Unsqueeze", keys, d.list(0, 1, 2)), d.op("Unsqueeze", positions, d.list(1, 3)))
	kept := d.op("Unsqueeze", d.cast(mask, tensor.Bool), d.list(1, 2))
	d.hidden = d.op("Where", d.op("And", before, kept), d.number(0), d.number(-math.MaxFloat32))
}

// layer adds a layer, which reads keys and values of past tokens and returns those
// of all.
func (d *decoder) layer(x *graph.Value, past []*graph.Value) (_ *graph.Value, present [2]*graph.Value) {
	y := d.rms("input_layernorm", x, llamaWidth, llamaEpsilon)
	part := func(name string, heads int64) *graph.Value {
		return d.split(d.dense("self_attn."+name, y, llamaWidth, int(heads)*llamaSize, 1, false), heads, llamaSize)
	}
	q, k, v := d.turn(part("q_proj", llamaHeads)), d.turn(part("k_proj", llamaKeys)), part("v_proj", llamaKeys)
	k = d.op("Concat", past[0], k, attr("axis", int64(2)))
	v = d.op("Concat", past[1], v, attr("axis", int64(2)))
	scores := d.op("MatMul", q, d.op("Transpose", d.repeat(k), ints("perm", 0, 1, 3, 2)))
	scores = d.op("Add", d.op("Div", scores, d.number(math.Sqrt(llamaSize))), d.hidden)
	y = d.op("MatMul", d.op("Softmax", scores, attr("axis", int64(-1))), d.repeat(v))
	x = d.op("Add", x, d.dense("self_attn.o_proj", d.join(y, llamaWidth), llamaWidth, llamaWidth, 1, false))
	y = d.rms("post_attention_layernorm", x, llamaWidth, llamaEpsilon)
	gate, up := d.dense("mlp.gate_proj", y, llamaWidth, llamaInner, 1, false), d.dense("mlp.up_proj", y, llamaWidth, llamaInner, 1, false)
	y = d.op("Mul", d.op("Mul", gate, d.op("Sigmoid", gate)), up)
	return d.op("Add", x, d.dense("mlp.down_proj", y, llamaInner, llamaWidth, 1, false)), [2]*graph.Value{k, v}
}

// turn turns pairs of elements by the angles.
func (d *decoder) turn(x *graph.Value) *graph.Value {
	slice := func(from, to int64) *graph.Value {
		return d.op("Slice", x, d.list(from), d.list(to), d.list(3), d.list(1))
	}
	turned := d.op("Concat", d.op("Neg", slice(llamaSize/2, math.MaxInt64)), slice(0, llamaSize/2), attr("axis", int64(-1)))
	return d.op("Add", d.op("Mul", x, d.cos), d.op("Mul", turned, d.sin))
}

// repeat gives every head of queries its head of keys or values.
func (d *decoder) repeat(x *graph.Value) *graph.Value {
	const each = llamaHeads / llamaKeys
	batch, length := d.extent(x, 0), d.extent(x, 2)
	shape := func(heads ...*graph.Value) *graph.Value {
		in := append([]*graph.Value{batch}, heads...)
		return d.ops("Concat", 1, append(in, length, d.list(llamaSize)), attr("axis", int64(0)))[0]
	}
	wide := d.op("Expand", d.op("Unsqueeze", x, d.list(2)), shape(d.list(llamaKeys), d.list(each)))
	return d.op("Reshape", wide, shape(d.list(llamaHeads)))
}

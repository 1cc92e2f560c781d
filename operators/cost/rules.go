package cost

import "example.com/midplane/operators/graph"

// rules count by operator, of the newest forms and of what backends' passes make of
// them.
var rules = map[string]func(c *count) float64{
	"Conv":          convolution(1),
	"ConvInteger":   convolution(1),
	"DeformConv":    convolution(1),
	"QLinearConv":   convolution(3),
	"ConvTranspose": transposed,

	"MatMul":        matmul,
	"MatMulInteger": matmul,
	"QLinearMatMul": matmul,
	"Gemm":          gemm,

	"midplane.blocked.Conv":          func(c *count) float64 { return c.pixels(c.node.Output(0)) * c.elements(1) },
	"midplane.blocked.ConvTranspose": func(c *count) float64 { return c.pixels(c.node.Input(0)) * c.elements(1) },

	"com.microsoft.QLinearConv":          convolution(3),
	"com.microsoft.MatMulIntegerToFloat": matmul,

	"RNN":  recurrent,
	"GRU":  recurrent,
	"LSTM": recurrent,

	"Attention":                         attention(4),
	"com.microsoft.MultiHeadAttention":  attention(6),
	"com.microsoft.GroupQueryAttention": attention(3),
	"com.microsoft.Attention":           projectedAttention,
}

// convolution counts, for each result, the weights of its output channel. Weights
// are [channels out, channels in / groups, kernel...].
func convolution(weights int) func(*count) float64 {
	return func(c *count) float64 {
		out := c.extent(weights, 0)
		if out == 0 {
			return 0
		}
		return c.results() * c.elements(weights) / out
	}
}

// transposed counts, for each element of the image, the weights of its channel.
// Weights are [channels in, channels out / groups, kernel...].
func transposed(c *count) float64 {
	in := c.extent(1, 0)
	if in == 0 {
		return 0
	}
	return c.elements(0) * c.elements(1) / in
}

// matmul counts a row of the left matrix for each result.
func matmul(c *count) float64 { return c.results() * c.extent(0, -1) }

// pixels counts those of images whose channels lie in blocks: (batch, blocks,
// spatial..., channels of a block).
func (c *count) pixels(v *graph.Value) float64 {
	s := c.shape(v)
	if len(s) < 3 || product(s) == 0 {
		return 0
	}
	return product(s) / float64(s[1]) / float64(s[len(s)-1])
}

func gemm(c *count) float64 {
	axis := 1
	if c.node.Bool("transA", false) {
		axis = 0
	}
	return c.results() * c.extent(0, axis)
}

// recurrent counts, at each of the steps of each sequence, the weights W [directions,
// gates × hidden, inputs] and the weights R [directions, gates × hidden, hidden].
func recurrent(c *count) float64 {
	return c.extent(0, 0) * c.extent(0, 1) * (c.elements(1) + c.elements(2))
}

// attention counts, for each key, the elements of the queries and of the results:
// Q Kᵀ and its product with V. Keys of the past, an input by its index, count too.
func attention(past int) func(*count) float64 {
	return func(c *count) float64 {
		return (c.extent(1, -2) + c.past(past)) * (c.elements(0) + c.results())
	}
}

// past returns how many keys there are in an input that may be absent.
func (c *count) past(i int) float64 {
	if c.node.Input(i) == nil {
		return 0
	}
	return c.extent(i, -2)
}

// projectedAttention is that of com.microsoft, which makes queries, keys and values of
// its input (batch, steps, width) with weights (width, columns) first.
func projectedAttention(c *count) float64 {
	return c.elements(0)*c.extent(1, -1) + 2*c.results()*(c.extent(0, -2)+c.past(4))
}

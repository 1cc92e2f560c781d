package cost

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

	"com.microsoft.QLinearConv":          convolution(3),
	"com.microsoft.MatMulIntegerToFloat": matmul,

	"RNN":  recurrent,
	"GRU":  recurrent,
	"LSTM": recurrent,

	"Attention": attention,
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
// Q Kᵀ and its product with V. Keys of the past count too.
func attention(c *count) float64 {
	keys := c.extent(1, -2)
	if past := c.node.Input(4); past != nil {
		keys += c.extent(4, -2)
	}
	return keys * (c.elements(0) + c.results())
}

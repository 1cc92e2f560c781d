package opset

// families gathers the lifting rules of every file, and of vendors.
var families = []family{
	arithmetic,
	trigonometry,
	logic,
	activation,
	softmax,
	reduce,
	shape,
	slice,
	gather,
	sort,
	random,
	cast,
	matmul,
	conv,
	pool,
	normalization,
	resize,
	recurrent,
	attention,
	control,
	signal,
	detection,
	encoder,
	registered,
}

package infer

import "maps"

// families gathers the inference functions of every file.
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
	constant,
	random,
	cast,
	matmul,
	conv,
	pool,
	blocked,
	normalization,
	resize,
	recurrent,
	attention,
	control,
	sequence,
	text,
	quantize,
	signal,
	loss,
	detection,
	image,
	optimizer,
	encoder,
	scaler,
	linear,
	tree,
}

// functions are those of all families in one table, and what vendors register.
var functions = func() family {
	all := make(family)
	for _, f := range families {
		maps.Copy(all, f)
	}
	return all
}()

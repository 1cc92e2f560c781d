package cell

import "example.com/midplane/adapter/tensor"

// products holds operators that add products.
var products = family{
	"MatMul": {
		classes: classes("vector-left", "vector-right", "vectors", "two-inputs"),
		shapes:  []Shape{Rank2, Rank3, Rank4, Rank5, Empty, Dynamic, Large, Broadcast},
		values:  summed, draw: matMul,
	},
	"Gemm": {
		classes: classes("trans-a", "trans-b", "trans-both", "alpha-beta", "without-c", "row-c", "column-c", "scalar-c"),
		shapes:  []Shape{Rank2, Empty, Dynamic, Large},
		values:  summed, draw: gemm,
	},
	"Einsum": {
		classes: []string{"matrix", "batched", "transpose", "sum", "trace", "diagonal", "outer", "ellipsis", "implicit", "hadamard", "three"},
		shapes:  []Shape{Rank2, Dynamic},
		values:  []Values{NaN}, draw: einsum,
	},
	"Det": {shapes: []Shape{Rank2, Rank3, Rank4, Dynamic}, draw: det},
}

func matMul(d *draft) {
	m, k, n := d.extent(), 1+d.extent(), d.extent()
	switch d.Cell.Shape {
	case Large:
		m, k, n = 33, 300+d.IntN(40), 70+d.IntN(9)
		if d.is("default") { // a matrix of more than 2^16 elements
			k, n = 520+d.IntN(40), 130+d.IntN(9)
		}
	case Empty:
		d.emptied(&m, &k, &n)
	}
	batch := make([]int, max(d.rank(2)-2, 0))
	for i := range batch {
		batch[i] = 1 + d.IntN(3)
	}
	left, right := concat(batch, m, k), concat(batch, k, n)
	if d.Cell.Shape == Broadcast {
		left, right = tensor.Shape{2, 1, m, k}, tensor.Shape{3, k, n}
	}
	if d.is("vector-left", "vectors") {
		left = tensor.Shape{k}
	}
	if d.is("vector-right", "vectors") {
		right = tensor.Shape{k}
	}
	d.data(left)
	if d.is("two-inputs") {
		d.data(right)
		return
	}
	d.weight(right)
}

// emptied makes one extent of a product 0: in the usual class the one that is
// summed over, so that results are sums of nothing.
func (d *draft) emptied(m, k, n *int) {
	if d.is("default") {
		*k = 0
		return
	}
	*[]*int{m, n}[d.IntN(2)] = 0
}

func gemm(d *draft) {
	m, k, n := 2+d.IntN(4), 1+d.extent(), 2+d.IntN(5)
	if d.is("default") {
		m, n = d.extent(), d.extent()
	}
	switch d.Cell.Shape {
	case Large:
		m, k, n = 35, 300+d.IntN(40), 70+d.IntN(9)
		if d.is("default") {
			k, n = 520+d.IntN(40), 130+d.IntN(9)
		}
	case Empty:
		d.emptied(&m, &k, &n)
	}
	a, b := tensor.Shape{m, k}, tensor.Shape{k, n}
	if d.is("trans-a", "trans-both") {
		d.flag("transA")
		a = tensor.Shape{k, m}
	}
	if d.is("trans-b", "trans-both") {
		d.flag("transB")
		b = tensor.Shape{n, k}
	}
	d.data(a)
	d.weight(b)
	c := tensor.Shape{m, n}
	switch d.Attributes {
	case "alpha-beta":
		d.float("alpha", 1.5)
		d.float("beta", 0.5)
		if d.DType.IsInteger() {
			d.attributes = nil
			d.float("alpha", 3)
			d.float("beta", 2)
		}
	case "without-c":
		d.only(d.Version >= 11)
		return
	case "row-c":
		c = tensor.Shape{n}
	case "column-c":
		c = tensor.Shape{m, 1}
	case "scalar-c":
		c = tensor.Shape{1}
	}
	if d.Version < 7 && len(c)+c[0] < 2+m {
		d.flag("broadcast")
		d.only(!d.is("column-c"))
	}
	d.weight(c)
}

// equations lists the operands of each class of Einsum, by the letters of their
// axes, and what is asked.
var equations = map[string]struct {
	equation string
	operands []string
}{
	"matrix":    {"ij,jk->ik", []string{"ij", "jk"}},
	"batched":   {"bij,bjk->bik", []string{"bij", "bjk"}},
	"transpose": {"ijk->kij", []string{"ijk"}},
	"sum":       {"ij->i", []string{"ij"}},
	"trace":     {"ii->", []string{"ii"}},
	"diagonal":  {"iij->ji", []string{"iij"}},
	"outer":     {"i,j->ij", []string{"i", "j"}},
	"ellipsis":  {"...ij,...jk->...ik", []string{"bij", "bjk"}},
	"implicit":  {"ba,bc", []string{"ba", "bc"}},
	"hadamard":  {"ij,ij->ij", []string{"ij", "ij"}},
	"three":     {"ij,jk,kl->il", []string{"ij", "jk", "kl"}},
}

func einsum(d *draft) {
	e := equations[d.Attributes]
	d.text("equation", e.equation)
	size := make(map[rune]int)
	for _, axes := range e.operands {
		s := tensor.Shape{}
		for _, letter := range axes {
			if size[letter] == 0 {
				size[letter] = 2 + d.IntN(4)
			}
			s = append(s, size[letter])
		}
		d.data(s)
	}
}

func det(d *draft) {
	m := 1 + d.IntN(4)
	batch := make([]int, max(d.rank(2)-2, 0))
	for i := range batch {
		batch[i] = 1 + d.IntN(3)
	}
	d.real(concat(batch, m, m), -3, 3)
}

package fourier

// chirp computes transforms of n values, whatever the factors of n are, by one of a
// length with small factors: as ik = (i² + k² - (k-i)²) / 2, they are a convolution
// with exp(πj i²/n).
type chirp struct {
	plan     *Plan[float64]
	turns    Values[float64] // exp(-πj i²/n)
	spectrum Values[float64] // of the convolution's other operand, over its length
}

func newChirp(n int) *chirp {
	length := 1
	for length < 2*n-1 {
		length *= 2
	}
	c := &chirp{plan: New[float64](length), turns: Values[float64]{make([]float64, n), make([]float64, n)}}
	room := make([]byte, c.plan.Room())
	b := c.plan.Input(room)
	for i := range n {
		re, im := root(int64(i)*int64(i)%int64(2*n), int64(2*n))
		c.turns.Re[i], c.turns.Im[i] = re, im
		for _, at := range []int{i, (length - i) % length} {
			b.Re[at], b.Im[at] = re/float64(length), -im/float64(length)
		}
	}
	spectrum := c.plan.Run(room)
	c.spectrum = Values[float64]{append([]float64(nil), spectrum.Re...), append([]float64(nil), spectrum.Im...)}
	return c
}

// transformByChirp writes the transform of x to y.
func transformByChirp[F Float](c *chirp, y, x Values[F], room []byte) {
	n := len(c.turns.Re)
	a := c.plan.Input(room)
	for i := range n {
		a.Re[i], a.Im[i] = times(float64(x.Re[i]), float64(x.Im[i]), c.turns.Re[i], c.turns.Im[i])
	}
	clear(a.Re[n:])
	clear(a.Im[n:])
	product := c.plan.Run(room)
	a = c.plan.Input(room)
	for i := range a.Re {
		a.Re[i], a.Im[i] = times(product.Re[i], product.Im[i], c.spectrum.Re[i], c.spectrum.Im[i])
	}
	sums := c.plan.Reverse(room)
	for k := range n {
		re, im := times(sums.Re[k], sums.Im[k], c.turns.Re[k], c.turns.Im[k])
		y.Re[k], y.Im[k] = F(re), F(im)
	}
}

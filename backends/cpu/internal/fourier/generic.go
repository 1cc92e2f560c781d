package fourier

// butterfly computes a stage in plain Go or in assembly: for all p in [0, m) and
// q in [0, step), the transform of the values x[q+step·(p+m·k)], turned by the
// roots of p, goes to y[q+step·(radix·p+k)], k in [0, radix).
type butterfly[F Float] func(x, y Values[F], roots []F, m, step int)

// The butterflies in use, by radix.
var (
	butterflies32 = [6]butterfly[float32]{2: two[float32], 3: three[float32], 4: four[float32], 5: five[float32]}
	butterflies64 = [6]butterfly[float64]{2: two[float64], 3: three[float64], 4: four[float64], 5: five[float64]}
)

// rows returns the rows that values are taken from, or go to: row k begins at
// at + k·apart.
func rows[F Float](v []F, at, apart, step, k int) []F { return v[at+k*apart:][:step:step] }

func two[F Float](x, y Values[F], roots []F, m, step int) {
	for p := range m {
		in, out, w := p*step, 2*p*step, roots[2*p:][:2]
		x0, x1 := rows(x.Re, in, m*step, step, 0), rows(x.Re, in, m*step, step, 1)
		i0, i1 := rows(x.Im, in, m*step, step, 0), rows(x.Im, in, m*step, step, 1)
		y0, y1 := rows(y.Re, out, step, step, 0), rows(y.Re, out, step, step, 1)
		z0, z1 := rows(y.Im, out, step, step, 0), rows(y.Im, out, step, step, 1)
		for q := range x0 {
			y0[q], z0[q] = x0[q]+x1[q], i0[q]+i1[q]
			y1[q], z1[q] = times(x0[q]-x1[q], i0[q]-i1[q], w[0], w[1])
		}
	}
}

// Parts of the roots of the radices 3 and 5.
const (
	sin3 = 0.866025403784438646763723170752936183 // sin 2π/3; the cosine is -1/2
	cos5 = 0.309016994374947424102293417182819059 // cos 2π/5
	sin5 = 0.951056516295153572116439333379382143 // sin 2π/5
	cosD = -0.80901699437494742410229341718281906 // cos 4π/5
	sinD = 0.587785252292473129168705954639072769 // sin 4π/5
)

func three[F Float](x, y Values[F], roots []F, m, step int) {
	for p := range m {
		in, out, w := p*step, 3*p*step, roots[4*p:][:4]
		x0, x1, x2 := rows(x.Re, in, m*step, step, 0), rows(x.Re, in, m*step, step, 1), rows(x.Re, in, m*step, step, 2)
		i0, i1, i2 := rows(x.Im, in, m*step, step, 0), rows(x.Im, in, m*step, step, 1), rows(x.Im, in, m*step, step, 2)
		y0, y1, y2 := rows(y.Re, out, step, step, 0), rows(y.Re, out, step, step, 1), rows(y.Re, out, step, step, 2)
		z0, z1, z2 := rows(y.Im, out, step, step, 0), rows(y.Im, out, step, step, 1), rows(y.Im, out, step, step, 2)
		for q := range x0 {
			sum, sumI := x1[q]+x2[q], i1[q]+i2[q]
			odd, oddI := F(sin3*(i1[q]-i2[q])), F(sin3*(x1[q]-x2[q]))
			even, evenI := x0[q]+F(-0.5*sum), i0[q]+F(-0.5*sumI)
			y0[q], z0[q] = x0[q]+sum, i0[q]+sumI
			y1[q], z1[q] = times(even+odd, evenI-oddI, w[0], w[1])
			y2[q], z2[q] = times(even-odd, evenI+oddI, w[2], w[3])
		}
	}
}

func four[F Float](x, y Values[F], roots []F, m, step int) {
	for p := range m {
		in, out, w := p*step, 4*p*step, roots[6*p:][:6]
		x0, x1, x2, x3 := rows(x.Re, in, m*step, step, 0), rows(x.Re, in, m*step, step, 1), rows(x.Re, in, m*step, step, 2), rows(x.Re, in, m*step, step, 3)
		i0, i1, i2, i3 := rows(x.Im, in, m*step, step, 0), rows(x.Im, in, m*step, step, 1), rows(x.Im, in, m*step, step, 2), rows(x.Im, in, m*step, step, 3)
		y0, y1, y2, y3 := rows(y.Re, out, step, step, 0), rows(y.Re, out, step, step, 1), rows(y.Re, out, step, step, 2), rows(y.Re, out, step, step, 3)
		z0, z1, z2, z3 := rows(y.Im, out, step, step, 0), rows(y.Im, out, step, step, 1), rows(y.Im, out, step, step, 2), rows(y.Im, out, step, step, 3)
		for q := range x0 {
			a, aI := x0[q]+x2[q], i0[q]+i2[q]
			b, bI := x0[q]-x2[q], i0[q]-i2[q]
			c, cI := x1[q]+x3[q], i1[q]+i3[q]
			d, dI := x1[q]-x3[q], i1[q]-i3[q]
			y0[q], z0[q] = a+c, aI+cI
			y1[q], z1[q] = times(b+dI, bI-d, w[0], w[1])
			y2[q], z2[q] = times(a-c, aI-cI, w[2], w[3])
			y3[q], z3[q] = times(b-dI, bI+d, w[4], w[5])
		}
	}
}

func five[F Float](x, y Values[F], roots []F, m, step int) {
	for p := range m {
		in, out, w := p*step, 5*p*step, roots[8*p:][:8]
		var r, i, s, t [5][]F
		for k := range r {
			r[k], i[k] = rows(x.Re, in, m*step, step, k), rows(x.Im, in, m*step, step, k)
			s[k], t[k] = rows(y.Re, out, step, step, k), rows(y.Im, out, step, step, k)
		}
		for q := range step {
			x0, i0 := r[0][q], i[0][q]
			a, aI, b, bI := r[1][q]+r[4][q], i[1][q]+i[4][q], r[2][q]+r[3][q], i[2][q]+i[3][q]
			c, cI, d, dI := r[1][q]-r[4][q], i[1][q]-i[4][q], r[2][q]-r[3][q], i[2][q]-i[3][q]
			s[0][q], t[0][q] = x0+a+b, i0+aI+bI
			even, evenI := x0+F(cos5*a)+F(cosD*b), i0+F(cos5*aI)+F(cosD*bI)
			odd, oddI := F(sin5*cI)+F(sinD*dI), F(sin5*c)+F(sinD*d)
			s[1][q], t[1][q] = times(even+odd, evenI-oddI, w[0], w[1])
			s[4][q], t[4][q] = times(even-odd, evenI+oddI, w[6], w[7])
			even, evenI = x0+F(cosD*a)+F(cos5*b), i0+F(cosD*aI)+F(cos5*bI)
			odd, oddI = F(sinD*cI)-F(sin5*dI), F(sinD*c)-F(sin5*d)
			s[2][q], t[2][q] = times(even+odd, evenI-oddI, w[2], w[3])
			s[3][q], t[3][q] = times(even-odd, evenI+oddI, w[4], w[5])
		}
	}
}

// prime is the butterfly of any odd radix: pairs of values that are as far from
// either end share their products.
func (s *stage[F]) prime(x, y Values[F]) {
	apart, r := s.m*s.step, s.radix
	var sums, differences [most/2 + 1]struct{ re, im F }
	for p := range s.m {
		w := s.roots[2*(r-1)*p:][:2*(r-1)]
		for q := range s.step {
			in, out := p*s.step+q, r*p*s.step+q
			re, im := x.Re[in], x.Im[in]
			for k := 1; k <= r/2; k++ {
				a, b := in+k*apart, in+(r-k)*apart
				sums[k].re, sums[k].im = x.Re[a]+x.Re[b], x.Im[a]+x.Im[b]
				differences[k].re, differences[k].im = x.Re[a]-x.Re[b], x.Im[a]-x.Im[b]
				re, im = re+sums[k].re, im+sums[k].im
			}
			y.Re[out], y.Im[out] = re, im
			for k := 1; k <= r/2; k++ {
				re, im = x.Re[in], x.Im[in]
				var odd, oddI F
				for i, at := 1, 0; i <= r/2; i++ {
					if at += k; at >= r {
						at -= r
					}
					cos, sin := s.units[2*at], s.units[2*at+1]
					re, im = re+F(cos*sums[i].re), im+F(cos*sums[i].im)
					odd, oddI = odd-F(sin*differences[i].im), oddI+F(sin*differences[i].re)
				}
				at, mirrored := out+k*s.step, out+(r-k)*s.step
				y.Re[at], y.Im[at] = times(re+odd, im+oddI, w[2*k-2], w[2*k-1])
				y.Re[mirrored], y.Im[mirrored] = times(re-odd, im-oddI, w[2*(r-k)-2], w[2*(r-k)-1])
			}
		}
	}
}

// times multiplies; the conversions keep the products from being fused with sums.
func times[F Float](re, im, wRe, wIm F) (F, F) {
	return F(re*wRe) - F(im*wIm), F(re*wIm) + F(im*wRe)
}

package vector

// NibbleSpan is how many numbers of four bits lie together: the low halves of half
// as many bytes, then the high ones.
const NibbleSpan = 32

// Nibbles sets dst to (q - zero) × scale for numbers q of four bits, in spans. Blocks
// of a whole number of spans have a scale and a zero each.
func Nibbles(dst []float32, q []byte, scales, zeros []float32) {
	if spans := nibbleSpans(dst, q, scales, zeros); spans > 0 {
		nibbles(dst, q, scales, zeros, spans)
	}
}

// NibblesDot returns Σ a × (q - zero) × scale for numbers q as in [Nibbles].
func NibblesDot(a []float32, q []byte, scales, zeros []float32) float32 {
	if spans := nibbleSpans(a, q, scales, zeros); spans > 0 {
		return nibblesDot(a, q, scales, zeros, spans)
	}
	return 0
}

// nibbleSpans returns how many spans a block has, and panics where operands are too
// short.
func nibbleSpans(a []float32, q []byte, scales, zeros []float32) int {
	if len(a) == 0 || len(scales) == 0 {
		return 0
	}
	_, _ = q[len(a)/2-1], zeros[len(scales)-1]
	spans := len(a) / len(scales) / NibbleSpan
	if spans*len(scales)*NibbleSpan != len(a) {
		panic("vector: blocks that are no whole number of spans")
	}
	return spans
}

// The implementations, whose operands were checked.
var (
	nibbles    = nibblesGeneric
	nibblesDot = nibblesDotGeneric
)

func nibblesGeneric(dst []float32, q []byte, scales, zeros []float32, spans int) {
	for i, scale := range scales {
		for range spans {
			for k, b := range q[:NibbleSpan/2] {
				dst[k], dst[k+NibbleSpan/2] = (float32(b&15)-zeros[i])*scale, (float32(b>>4)-zeros[i])*scale
			}
			dst, q = dst[NibbleSpan:], q[NibbleSpan/2:]
		}
	}
}

func nibblesDotGeneric(a []float32, q []byte, scales, zeros []float32, spans int) float32 {
	total := float32(0)
	for i, scale := range scales {
		sum := float32(0)
		for range spans {
			for k, b := range q[:NibbleSpan/2] {
				sum += a[k]*(float32(b&15)-zeros[i]) + a[k+NibbleSpan/2]*(float32(b>>4)-zeros[i])
			}
			a, q = a[NibbleSpan:], q[NibbleSpan/2:]
		}
		total += sum * scale
	}
	return total
}

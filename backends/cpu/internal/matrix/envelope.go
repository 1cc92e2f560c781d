package matrix

// Envelope computes an image of rows × columns pixels, each the greatest of what
// shifted views of one plane have there, NaN if one has:
//
//	dst[y*columns+x] = max over k of image[offsets[k] + y*step + x]
//
// where offsets are in elements, as in a pool.
func Envelope(dst, image []float32, offsets []int64, rows, columns, step int) {
	if rows <= 0 || columns <= 0 || len(offsets) == 0 {
		return
	}
	furthest := int64(0)
	for _, o := range offsets {
		if o < 0 {
			panic("matrix: a negative offset into an image")
		}
		furthest = max(furthest, o)
	}
	if len(dst) < rows*columns || len(image) < int(furthest)+(rows-1)*step+columns {
		panic("matrix: operands too short for an envelope")
	}
	envelope(dst, image, offsets, rows, columns, step)
}

type envelopeFunc func(dst, image []float32, offsets []int64, rows, columns, step int)

// envelope is the best implementation.
var envelope envelopeFunc = envelopeGeneric

// envelopeGeneric is the reference that every other envelope is tested against.
func envelopeGeneric(dst, image []float32, offsets []int64, rows, columns, step int) {
	for y := range rows {
		to := dst[y*columns:][:columns]
		copy(to, image[int(offsets[0])+y*step:])
		for _, o := range offsets[1:] {
			from := image[int(o)+y*step:][:columns]
			for x, v := range from {
				to[x] = max(to[x], v)
			}
		}
	}
}

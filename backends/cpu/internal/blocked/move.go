package blocked

import "unsafe"

// Block writes pixels of up to 16 planes, which begin step elements apart, as pixels
// of a block. Lanes beyond the planes become 0.
func Block(dst, planes []float32, channels, pixels, step int) {
	if channels <= 0 || pixels <= 0 {
		return
	}
	_, _ = dst[pixels*Width-1], planes[(channels-1)*step+pixels-1]
	done := 0
	if channels == Width && best.transpose != nil {
		done = pixels &^ (Width - 1)
		squares(dst, planes, Width, step, Width*Width, Width, done/Width)
	}
	if channels < Width {
		clear(dst[:pixels*Width])
	}
	for c := range channels {
		for i, v := range planes[c*step+done:][:pixels-done] {
			dst[(done+i)*Width+c] = v
		}
	}
}

// Unblock writes pixels of a block as pixels of up to 16 planes, which begin step
// elements apart.
func Unblock(planes, block []float32, channels, pixels, step int) {
	if channels <= 0 || pixels <= 0 {
		return
	}
	_, _ = block[pixels*Width-1], planes[(channels-1)*step+pixels-1]
	done := 0
	if channels == Width && best.transpose != nil {
		done = pixels &^ (Width - 1)
		squares(planes, block, step, Width, Width, Width*Width, done/Width)
	}
	for c := range channels {
		to := planes[c*step+done:][:pixels-done]
		for i := range to {
			to[i] = block[(done+i)*Width+c]
		}
	}
}

// squares turns squares of 16 × 16 numbers, whose rows lie so many elements apart,
// and the squares so many.
func squares(dst, src []float32, dstStep, srcStep, dstNext, srcNext, count int) {
	best.transpose(unsafe.SliceData(dst), unsafe.SliceData(src), dstStep*4, srcStep*4, dstNext*4, srcNext*4, count)
}

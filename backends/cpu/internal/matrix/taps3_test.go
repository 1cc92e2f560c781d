package matrix

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTaps3(t *testing.T) {
	if NewTaps3(1, 1, 1, 1, 1, 0, 0) == nil {
		t.Skip("this processor, or MIDPLANE_CPU, allows no filter of its own for 3 × 3 taps")
	}
	for _, stride := range []int{1, 2} {
		for _, top := range []int{0, 1, 2} {
			for _, left := range []int{0, 1, 2} {
				for _, height := range []int{1, 2, 3, 7, 20} {
					for _, width := range []int{1, 2, 3, 7, 14, 15, 16, 17, 18, 31, 32, 33, 34, 47, 64, 65} {
						for _, more := range []int{0, 1, 2} { // padding behind
							checkTaps3(t, stride, top, left, height, width, more)
						}
					}
				}
			}
		}
	}
	require.Nil(t, NewTaps3(4, 4, 9, 9, 3, 0, 0))
}

func checkTaps3(t *testing.T, stride, top, left, height, width, more int) {
	rows, columns := (height+top+more-3)/stride+1, (width+left+more-3)/stride+1
	if height+top+more < 3 || width+left+more < 3 {
		return
	}
	image, weights := random(height*width), random(9)
	dst := make([]float32, rows*columns+40)
	for i := range dst {
		dst[i] = -77
	}
	NewTaps3(rows, columns, height, width, stride, top, left).Filter(dst, image, weights, 0.25, -1.5, 2)
	for y := range rows {
		for x := range columns {
			want := 0.25
			for ky := range 3 {
				for kx := range 3 {
					iy, ix := y*stride+ky-top, x*stride+kx-left
					if iy >= 0 && iy < height && ix >= 0 && ix < width {
						want += float64(weights[ky*3+kx]) * float64(image[iy*width+ix])
					}
				}
			}
			require.InDelta(t, min(max(want, -1.5), 2), dst[y*columns+x], 1e-5, "by %d, %d × %d pixels less %d, %d, pixel %d, %d", stride, height, width, top, left, y, x)
		}
	}
	image[len(image)/2] = float32(math.NaN())
	NewTaps3(rows, columns, height, width, stride, top, left).Envelope(dst, image)
	for y := range rows {
		for x := range columns {
			want := NoLow
			for ky := range 3 {
				for kx := range 3 {
					iy, ix := y*stride+ky-top, x*stride+kx-left
					if iy >= 0 && iy < height && ix >= 0 && ix < width {
						want = max(want, image[iy*width+ix])
					}
				}
			}
			got := dst[y*columns+x]
			require.True(t, got == want || got != got && want != want, "by %d, %d × %d pixels less %d, %d, greatest %d, %d is %v, want %v", stride, height, width, top, left, y, x, got, want)
		}
	}
	for _, v := range dst[rows*columns:] {
		require.EqualValues(t, -77, v, "written behind the end")
	}
}

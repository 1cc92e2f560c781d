package peak

import "sync/atomic"

// Multiply-adds of the plain loops, which carry eight sums.
const (
	floatsPerTurnGeneric = 8
	bytesPerTurnGeneric  = 8
)

// result keeps what the plain loops compute from being dropped.
var result atomic.Int64

func floatsGeneric(n int) {
	x, y := float32(result.Load()), float32(0.5)
	var a, b, c, d, e, f, g, h float32
	for range n {
		a, b, c, d = a*y+x, b*y+x, c*y+x, d*y+x
		e, f, g, h = e*y+x, f*y+x, g*y+x, h*y+x
	}
	result.Store(int64(a + b + c + d + e + f + g + h))
}

func bytesGeneric(n int) {
	x, y := int32(result.Load()), int32(3)
	var a, b, c, d, e, f, g, h int32
	for range n {
		a, b, c, d = a*y+x, b*y+x, c*y+x, d*y+x
		e, f, g, h = e*y+x, f*y+x, g*y+x, h*y+x
	}
	result.Store(int64(a + b + c + d + e + f + g + h))
}

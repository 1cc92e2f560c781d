// Package pages allocates memory that is read from end to end, such as packed
// weights, so that the processor translates few addresses on the way.
package pages

// least is how many bytes are worth pages of their own.
const least = 1 << 20

// Make is make([]float32, n). It asks the operating system to back large slices by
// large pages.
func Make(n int) []float32 {
	v := make([]float32, n)
	if 4*n >= least {
		enlarge(v)
	}
	return v
}

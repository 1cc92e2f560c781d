package vector

// GatherSum sets dst[i] to the sum of weight[k*step+i] × a[at[k*step+i]] for k < terms.
// What has the weight 0 is left out, be it infinite or NaN. Where at points is not
// checked: it must be within a.
func GatherSum(dst, a []float32, at []int32, weight []float32, terms, step int) {
	if terms <= 0 || len(dst) == 0 {
		clear(dst)
		return
	}
	last := (terms-1)*step + len(dst) - 1
	_, _ = at[last], weight[last]
	gatherSum(dst, a, at, weight, terms, step)
}

// gatherSum is the implementation, whose operands were checked but for at.
var gatherSum = gatherSumGeneric

func gatherSumGeneric(dst, a []float32, at []int32, weight []float32, terms, step int) {
	for i := range dst {
		sum := float32(0)
		for k := i; k < terms*step; k += step {
			if w := weight[k]; w != 0 {
				sum += w * a[at[k]]
			}
		}
		dst[i] = sum
	}
}

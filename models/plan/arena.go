package plan

import (
	"cmp"
	"context"
	"math"
	"slices"
	"sort"
)

// span is a value that needs room in an arena from step first to step last.
type span struct {
	slot        int
	size        int64
	first, last int
}

// layout gives every span an offset so that spans alive at the same step do not
// overlap, and returns the size of the arena. Large spans are placed first,
// each in the lowest gap that fits (greedy by size: Pisarchyk and Lee,
// "Efficient Memory Management for Deep Neural Net Inference", 2020).
// The time that it takes grows with the square of their number.
func layout(ctx context.Context, spans []span, alignment int64) (offsets map[int]int64, size int64, err error) {
	type placed struct {
		span
		offset int64
	}
	order := slices.Clone(spans)
	slices.SortStableFunc(order, func(a, b span) int { return cmp.Compare(b.size, a.size) })
	offsets = make(map[int]int64, len(spans))
	var done []placed // by offset
	for _, s := range order {
		if err := ctx.Err(); err != nil {
			return nil, 0, err
		}
		offset := int64(0)
		for _, p := range done {
			if p.last < s.first || s.last < p.first {
				continue
			}
			if sum(offset, s.size) <= p.offset {
				break
			}
			offset = max(offset, align(sum(p.offset, p.size), alignment))
		}
		offsets[s.slot] = offset
		size = max(size, sum(offset, s.size))
		at := sort.Search(len(done), func(i int) bool { return done[i].offset > offset })
		done = append(done, placed{})
		copy(done[at+1:], done[at:])
		done[at] = placed{s, offset}
	}
	return offsets, size, nil
}

// sum adds sizes; what an int64 cannot count becomes more than any device has.
func sum(a, b int64) int64 {
	if a > tooMuch-b {
		return tooMuch
	}
	return a + b
}

const tooMuch = math.MaxInt64 / 2

func align(n, to int64) int64 { return (n + to - 1) / to * to }

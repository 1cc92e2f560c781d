package operators

import (
	"context"

	"example.com/midplane/adapter/tensor"
)

// Peaker is implemented by a Backend that can measure the most its arithmetic
// units do, so that what a model reaches can be held against it.
//
// Absent: nothing is known but what the maker declares (driver.Rates).
type Peaker interface {
	// Peak returns the operations a second that arithmetic with elements of a type
	// reaches where operands need not be fetched; a multiplication with an addition
	// counts as two. It takes some tens of milliseconds. A type of which nothing
	// can be said is Unsupported.
	Peak(ctx context.Context, d tensor.DType) (float64, error)
}

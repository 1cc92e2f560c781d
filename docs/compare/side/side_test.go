package side

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
)

func TestAgree(t *testing.T) {
	want := map[string]tensor.Value{"y": tensor.Of([]float32{1, 2}), "z": tensor.Of([]float32{3})}
	gives := func(list ...*tensor.Tensor) Run {
		return func() (func() ([]*tensor.Tensor, error), error) {
			return func() ([]*tensor.Tensor, error) { return list, nil }, nil
		}
	}
	names := []string{"y", "z"}
	assert.NoError(t, agree(gives(tensor.Of([]float32{1, 2.01}), tensor.Of([]float32{3})), names, want))
	assert.ErrorContains(t, agree(gives(tensor.Of([]float32{1, 2.2}), tensor.Of([]float32{3})), names, want), `wrong result: output "y"`)
	assert.ErrorContains(t, agree(gives(tensor.Of([]float32{1, 2}), tensor.Of([]float32{3, 3})), names, want), `wrong result: output "z"`)
	assert.ErrorContains(t, agree(gives(tensor.Of([]float32{1, 2})), names, want), "1 outputs, not 2")
	assert.ErrorContains(t, agree(gives(nil, tensor.Of([]float32{3})), names, want), `no output "y"`)
	broken := errors.New("broken")
	assert.ErrorIs(t, agree(func() (func() ([]*tensor.Tensor, error), error) { return nil, broken }, names, want), broken)
}

func TestAlternate(t *testing.T) {
	var ours, other int
	a, b, err := alternate(0, func() error { ours++; return nil }, func() error { other++; time.Sleep(11 * time.Millisecond); return nil })
	require.NoError(t, err)
	assert.Equal(t, 3, other, "a run is a turn")
	assert.Greater(t, ours, 3, "many are one")
	assert.Less(t, a, 1.0)
	assert.GreaterOrEqual(t, b, 11.0)

	broken := errors.New("broken")
	_, _, err = alternate(0, func() error { return nil }, func() error { return broken })
	assert.ErrorIs(t, err, broken)
}

func TestFirstLine(t *testing.T) {
	assert.Equal(t, "one", firstLine(" one\ntwo"))
	assert.Equal(t, `no operator "GRU"`, firstLine(`compiling: graph panicked: building panicked: no operator "GRU"`))
	assert.Equal(t, 124, len(firstLine(string(make([]byte, 300)))))
}

package collective_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/collective"
	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/tensor"
)

var ctx = context.Background()

// each runs f as every rank of a communicator and returns the errors by rank.
func each(t *testing.T, size int, f func(r *collective.Rank) error) []error {
	t.Helper()
	id, errs := collective.NewID(), make([]error, size)
	var ranks sync.WaitGroup
	for i := range size {
		ranks.Go(func() {
			r, err := collective.Join(ctx, id, i, size)
			if err == nil {
				err = f(r)
				r.Leave()
			}
			errs[i] = err
		})
	}
	ranks.Wait()
	return errs
}

func run(o *collective.Operation, err error, src []byte) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	return o.Run(ctx, src)
}

// part is what a rank contributes: its number plus one, its number plus two, ….
func part(rank, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rank + 1 + i)
	}
	return b
}

func TestOperations(t *testing.T) {
	const size = 3
	sum := []byte{1 + 2 + 3, 2 + 3 + 4, 3 + 4 + 5}
	for name, c := range map[string]struct {
		call func(r *collective.Rank) ([]byte, error)
		want [size][]byte // by rank
	}{
		"AllReduce": {func(r *collective.Rank) ([]byte, error) {
			o, err := r.AllReduce(3, 3, tensor.Uint8, driver.Sum)
			return run(o, err, part(r.Rank(), 3))
		}, [size][]byte{sum, sum, sum}},
		"Reduce": {func(r *collective.Rank) ([]byte, error) {
			o, err := r.Reduce(3, 3, tensor.Uint8, driver.Sum, 1)
			return run(o, err, part(r.Rank(), 3))
		}, [size][]byte{nil, sum, nil}},
		"Broadcast": {func(r *collective.Rank) ([]byte, error) {
			o, err := r.Broadcast(2, 2)
			return run(o, err, part(r.Rank(), int(o.Input())))
		}, [size][]byte{{3, 4}, {3, 4}, nil}},
		"AllGather": {func(r *collective.Rank) ([]byte, error) {
			o, err := r.AllGather(6, 2)
			return run(o, err, part(r.Rank(), 2))
		}, [size][]byte{{1, 2, 2, 3, 3, 4}, {1, 2, 2, 3, 3, 4}, {1, 2, 2, 3, 3, 4}}},
		"ReduceScatter": {func(r *collective.Rank) ([]byte, error) {
			o, err := r.ReduceScatter(1, 3, tensor.Uint8, driver.Max)
			return run(o, err, part(r.Rank(), 3))
		}, [size][]byte{{3}, {4}, {5}}},
		"AllToAll": {func(r *collective.Rank) ([]byte, error) {
			o, err := r.AllToAll(3, 3)
			return run(o, err, part(r.Rank(), 3))
		}, [size][]byte{{1, 2, 3}, {2, 3, 4}, {3, 4, 5}}},
		"Send and Recv in a ring": {func(r *collective.Rank) ([]byte, error) {
			o, err := r.Send(2, (r.Rank()+1)%size)
			if _, err := run(o, err, part(r.Rank(), 2)); err != nil {
				return nil, err
			}
			o, err = r.Recv(2, (r.Rank()+size-1)%size)
			return run(o, err, nil)
		}, [size][]byte{{3, 4}, {1, 2}, {2, 3}}},
	} {
		var got [size][]byte
		for _, err := range each(t, size, func(r *collective.Rank) (err error) {
			for range 3 { // in order, again and again
				if got[r.Rank()], err = c.call(r); err != nil {
					return err
				}
			}
			return nil
		}) {
			require.NoError(t, err, name)
		}
		assert.Equal(t, c.want, got, name)
	}
}

func TestReductions(t *testing.T) {
	for _, c := range []struct {
		op   driver.ReduceOp
		a, b *tensor.Tensor
		want *tensor.Tensor
	}{
		{driver.Sum, tensor.Of([]float32{1, -2}), tensor.Of([]float32{3, 0.5}), tensor.Of([]float32{4, -1.5})},
		{driver.Product, tensor.Of([]float64{3, -2}), tensor.Of([]float64{3, 0.5}), tensor.Of([]float64{9, -1})},
		{driver.Min, tensor.Of([]int64{3, -2}), tensor.Of([]int64{-3, 5}), tensor.Of([]int64{-3, -2})},
		{driver.Max, tensor.Of([]int16{3, -2}), tensor.Of([]int16{-3, 5}), tensor.Of([]int16{3, 5})},
		{driver.Mean, tensor.Of([]float32{3}), tensor.Of([]float32{4}), tensor.Of([]float32{3.5})},
		{driver.Mean, tensor.Of([]int32{-3, 3}), tensor.Of([]int32{-4, 4}), tensor.Of([]int32{-3, 3})},
		{driver.Sum, tensor.Of([]int8{127}), tensor.Of([]int8{1}), tensor.Of([]int8{-128})},
		{driver.Sum, tensor.Of([]uint64{1 << 63}), tensor.Of([]uint64{1<<63 + 1}), tensor.Of([]uint64{1})},
		{driver.Mean, tensor.Of([]uint64{1 << 62}), tensor.Of([]uint64{1 << 62}), tensor.Of([]uint64{1 << 62})},
		{driver.Product, tensor.Of([]uint16{300}), tensor.Of([]uint16{300}), tensor.Of([]uint16{90000 - 65536})},
		{driver.Sum, tensor.Of([]uint32{7}), tensor.Of([]uint32{8}), tensor.Of([]uint32{15})},
		{driver.Sum, tensor.FromFloat64s(tensor.Float16, tensor.Shape{1}, []float64{1.5}), tensor.FromFloat64s(tensor.Float16, tensor.Shape{1}, []float64{2.25}),
			tensor.FromFloat64s(tensor.Float16, tensor.Shape{1}, []float64{3.75})},
		{driver.Mean, tensor.FromFloat64s(tensor.BFloat16, tensor.Shape{1}, []float64{1}), tensor.FromFloat64s(tensor.BFloat16, tensor.Shape{1}, []float64{2}),
			tensor.FromFloat64s(tensor.BFloat16, tensor.Shape{1}, []float64{1.5})},
	} {
		for _, err := range each(t, 2, func(r *collective.Rank) error {
			size := int64(len(c.a.Bytes()))
			o, err := r.AllReduce(size, size, c.a.DType(), c.op)
			got, err := run(o, err, [][]byte{c.a.Bytes(), c.b.Bytes()}[r.Rank()])
			assert.Equal(t, c.want.Bytes(), got, "%v of %v and %v", c.op, c.a, c.b)
			return err
		}) {
			require.NoError(t, err)
		}
	}
}

func TestWhatOneRankCanKnow(t *testing.T) {
	r, err := collective.Join(ctx, collective.NewID(), 0, 1)
	require.NoError(t, err)
	for name, c := range map[string]struct {
		call func() (*collective.Operation, error)
		code driver.Code
	}{
		"sizes differ":        {func() (*collective.Operation, error) { return r.AllReduce(4, 8, tensor.Float32, driver.Sum) }, driver.InvalidArgument},
		"negative":            {func() (*collective.Operation, error) { return r.AllGather(-4, -4) }, driver.InvalidArgument},
		"half an element":     {func() (*collective.Operation, error) { return r.AllReduce(6, 6, tensor.Float32, driver.Sum) }, driver.InvalidArgument},
		"strings":             {func() (*collective.Operation, error) { return r.AllReduce(4, 4, tensor.String, driver.Sum) }, driver.Unsupported},
		"packed":              {func() (*collective.Operation, error) { return r.AllReduce(4, 4, tensor.Int4, driver.Sum) }, driver.Unsupported},
		"complex":             {func() (*collective.Operation, error) { return r.AllReduce(8, 8, tensor.Complex64, driver.Sum) }, driver.Unsupported},
		"no type":             {func() (*collective.Operation, error) { return r.AllReduce(8, 8, tensor.DType(99), driver.Sum) }, driver.Unsupported},
		"unknown reduction":   {func() (*collective.Operation, error) { return r.AllReduce(4, 4, tensor.Int8, 9) }, driver.InvalidArgument},
		"root of no rank":     {func() (*collective.Operation, error) { return r.Broadcast(4, 1) }, driver.InvalidArgument},
		"root below zero":     {func() (*collective.Operation, error) { return r.Reduce(4, 4, tensor.Int8, driver.Sum, -1) }, driver.InvalidArgument},
		"scatter of too much": {func() (*collective.Operation, error) { return r.ReduceScatter(4, 8, tensor.Int8, driver.Sum) }, driver.InvalidArgument},
		"sizes to all":        {func() (*collective.Operation, error) { return r.AllToAll(4, 8) }, driver.InvalidArgument},
		"to nobody":           {func() (*collective.Operation, error) { return r.Send(4, 5) }, driver.InvalidArgument},
		"from nobody":         {func() (*collective.Operation, error) { return r.Recv(4, -5) }, driver.InvalidArgument},
		"minus four bytes":    {func() (*collective.Operation, error) { return r.Recv(-4, 0) }, driver.InvalidArgument},
	} {
		_, err := c.call()
		assert.ErrorIs(t, err, c.code, name)
	}
	o, err := r.AllGather(4, 4)
	require.NoError(t, err)
	_, err = o.Run(ctx, make([]byte, 3))
	assert.ErrorIs(t, err, driver.InvalidArgument, "other bytes than announced")
}

func TestRanksDisagree(t *testing.T) {
	for i, err := range each(t, 3, func(r *collective.Rank) error {
		size := int64(4 + r.Rank()/2*4)
		o, err := r.AllReduce(size, size, tensor.Int32, driver.Sum)
		_, err = run(o, err, make([]byte, size))
		if err == nil {
			return nil
		}
		o, again := r.AllReduce(4, 4, tensor.Int32, driver.Sum)
		_, again = run(o, again, make([]byte, 4))
		assert.NoError(t, again, "the communicator goes on")
		return err
	}) {
		require.ErrorIs(t, err, driver.InvalidArgument, "rank %d", i)
		assert.ErrorContains(t, err, "rank 2 AllReduce of 8 bytes, int32, sum")
	}
	errs := each(t, 2, func(r *collective.Rank) error {
		if r.Rank() == 0 {
			o, err := r.Send(2, 1)
			_, err = run(o, err, make([]byte, 2))
			return err
		}
		o, err := r.Recv(3, 0)
		_, err = run(o, err, nil)
		return err
	})
	assert.NoError(t, errs[0])
	assert.ErrorIs(t, errs[1], driver.InvalidArgument, "two bytes sent, three wanted")
}

func TestNobodyWaitsForWhatCannotCome(t *testing.T) {
	reduce := func(ctx context.Context, r *collective.Rank) error {
		o, err := r.AllReduce(4, 4, tensor.Int32, driver.Sum)
		if err == nil {
			_, err = o.Run(ctx, make([]byte, 4))
		}
		return err
	}
	for name, give := range map[string]func(r *collective.Rank) error{
		"leaves": func(*collective.Rank) error { return nil },
		"aborts": func(r *collective.Rank) error { r.Abort(); return nil },
		"gives up waiting": func(r *collective.Rank) error {
			short, cancel := context.WithTimeout(ctx, time.Millisecond)
			defer cancel()
			o, err := r.Recv(1, 0)
			require.NoError(t, err)
			_, err = o.Run(short, nil)
			require.ErrorIs(t, err, driver.Canceled)
			return nil
		},
	} {
		errs := each(t, 3, func(r *collective.Rank) error {
			if r.Rank() == 1 {
				return give(r)
			}
			return reduce(ctx, r)
		})
		assert.ErrorIs(t, errs[0], driver.Aborted, name)
		assert.ErrorIs(t, errs[2], driver.Aborted, name)
	}
	errs := each(t, 2, func(r *collective.Rank) error {
		if r.Rank() == 1 {
			return nil
		}
		o, err := r.Recv(1, 1)
		_, err = run(o, err, nil)
		return err
	})
	assert.ErrorIs(t, errs[0], driver.Aborted, "the sender has left")
}

func TestMessagesOfOneWhoLeftArrive(t *testing.T) {
	sent := make(chan struct{})
	for _, err := range each(t, 2, func(r *collective.Rank) error {
		if r.Rank() == 0 {
			defer close(sent)
			o, err := r.Send(1, 1)
			_, err = run(o, err, []byte{7})
			return err
		}
		<-sent
		o, err := r.Recv(1, 0)
		got, err := run(o, err, nil)
		assert.Equal(t, []byte{7}, got)
		return err
	}) {
		assert.NoError(t, err)
	}
}

func TestJoinFailures(t *testing.T) {
	for _, c := range [][2]int{{0, 0}, {-1, 2}, {2, 2}, {0, -1}} {
		_, err := collective.Join(ctx, collective.NewID(), c[0], c[1])
		assert.ErrorIs(t, err, driver.InvalidArgument, "rank %d of %d", c[0], c[1])
	}
	id := collective.NewID()
	short, cancel := context.WithTimeout(ctx, 5*time.Millisecond)
	defer cancel()
	_, err := collective.Join(short, id, 0, 2)
	require.ErrorIs(t, err, driver.Canceled)
	_, err = collective.Join(short, id, 0, 2)
	require.ErrorIs(t, err, driver.Canceled, "the context was over before")

	joined := make(chan error)
	go func() {
		_, err := collective.Join(ctx, id, 0, 2) // the place is free again
		joined <- err
	}()
	_, err = collective.Join(ctx, id, 1, 2)
	require.NoError(t, err)
	require.NoError(t, <-joined)
}

func TestRanksThatDoNotFit(t *testing.T) {
	for _, sizes := range [][2]int{{2, 3}, {2, 2}} {
		id := collective.NewID()
		short, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
		errs := make(chan error, 2)
		for _, size := range sizes {
			go func() {
				_, err := collective.Join(short, id, 0, size)
				errs <- err
			}()
		}
		refused, waited := <-errs, <-errs
		require.ErrorIs(t, refused, driver.InvalidArgument, "whoever came second")
		assert.ErrorIs(t, waited, driver.Canceled)
		cancel()
	}
}

func TestManyRanksAtOnce(t *testing.T) {
	const size, rounds = 16, 50
	for _, err := range each(t, size, func(r *collective.Rank) error {
		for round := range rounds {
			o, err := r.AllReduce(8, 8, tensor.Int64, driver.Sum)
			got, err := run(o, err, tensor.Of([]int64{int64(r.Rank() * round)}).Bytes())
			if err != nil {
				return err
			}
			want := tensor.Of([]int64{int64(round * size * (size - 1) / 2)}).Bytes()
			assert.Equal(t, want, got)
		}
		return nil
	}) {
		assert.NoError(t, err)
	}
}

// Two ranks add up their numbers.
func Example() {
	id := collective.NewID()
	var ranks sync.WaitGroup
	for rank := range 2 {
		ranks.Go(func() {
			r, _ := collective.Join(ctx, id, rank, 2)
			defer r.Leave()
			o, _ := r.AllReduce(2, 2, tensor.Int8, driver.Sum)
			sum, err := o.Run(ctx, []byte{byte(rank), 10})
			if rank == 0 {
				fmt.Println(sum, err)
			}
		})
	}
	ranks.Wait()
	// Output: [1 20] <nil>
}

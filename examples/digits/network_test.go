package main

import (
	"io"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// brief is a training run short enough for a test.
var brief = options{seed: 5, epochs: 2, samples: 200}

func TestTrainerLowersLoss(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: five epochs take seconds")
	}
	data := render(t, 5, trainStream, 600)
	network := NewNetwork(rand.New(rand.NewPCG(5, networkStream)))
	untrained := NewNetwork(rand.New(rand.NewPCG(5, networkStream))).Parameters()
	trainer, err := NewTrainer(network, batchSize)
	require.NoError(t, err)
	first, _, err := trainer.Epoch(data)
	require.NoError(t, err)
	var last, accuracy float64
	for range 4 {
		last, accuracy, err = trainer.Epoch(data)
		require.NoError(t, err)
	}
	require.NoError(t, trainer.Close())
	assert.Less(t, last, first/2)
	assert.Greater(t, accuracy, 0.7)
	for i, p := range network.Parameters() {
		assert.NotEqual(t, untrained[i].Value.Data(), p.Value.Data(), "%s is trained", p.Name)
	}
}

func TestTrainingRepeatsForASeed(t *testing.T) {
	first, err := train(brief, io.Discard)
	require.NoError(t, err)
	again, err := train(brief, io.Discard)
	require.NoError(t, err)
	for i, p := range first.Parameters() {
		assert.Equal(t, p.Value.Data(), again.Parameters()[i].Value.Data(), p.Name)
	}
}

func TestTrainRejectsPartialBatches(t *testing.T) {
	_, err := train(options{seed: 1, epochs: 1, samples: batchSize + 1}, io.Discard)
	assert.ErrorContains(t, err, "51 pictures do not make batches of 50")
}

func TestPredictorIsIndependentOfBatching(t *testing.T) {
	network := NewNetwork(rand.New(rand.NewPCG(5, networkStream)))
	data := render(t, 5, heldOutStream, 20)
	var logits [][]float32
	for _, batch := range []int{2, 20} {
		predictor, err := NewPredictor(network, batch)
		require.NoError(t, err)
		scores, err := predictor.Logits(data)
		require.NoError(t, err)
		require.NoError(t, predictor.Close())
		logits = append(logits, scores)
	}
	assert.Len(t, logits[0], 20*digits)
	assert.InDeltaSlice(t, logits[0], logits[1], 1e-4)
}

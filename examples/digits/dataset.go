package main

import (
	"fmt"
	"image"
	"math/rand/v2"
)

// Dataset is a set of labelled pictures.
type Dataset struct {
	Images []float32 // pixels of one picture after the other, 0 (black) to 1 (white)
	Labels []int     // the digit each picture shows
}

// NewDataset renders n pictures, the digits taking turns.
func NewDataset(r *Renderer, n int) *Dataset {
	d := &Dataset{}
	for i := range n {
		d.Add(r.Render(i%digits), i%digits)
	}
	return d
}

// Add appends a picture of the given digit.
func (d *Dataset) Add(img *image.Gray, label int) {
	for _, p := range img.Pix {
		d.Images = append(d.Images, float32(p)/255)
	}
	d.Labels = append(d.Labels, label)
}

// Len returns the number of pictures.
func (d *Dataset) Len() int { return len(d.Labels) }

// Image returns the pixels of picture i.
func (d *Dataset) Image(i int) []float32 { return d.Images[i*pixels : (i+1)*pixels] }

// Shuffle puts the pictures into a random order.
func (d *Dataset) Shuffle(random *rand.Rand) {
	random.Shuffle(d.Len(), func(i, j int) {
		d.Labels[i], d.Labels[j] = d.Labels[j], d.Labels[i]
		a, b := d.Image(i), d.Image(j)
		for k := range a {
			a[k], b[k] = b[k], a[k]
		}
	})
}

// Batches splits the pictures into consecutive batches of the given size. The
// number of pictures must be a multiple of it.
func (d *Dataset) Batches(size int) ([]*Dataset, error) {
	if d.Len() == 0 || d.Len()%size != 0 {
		return nil, fmt.Errorf("%d pictures do not make batches of %d", d.Len(), size)
	}
	var batches []*Dataset
	for i := 0; i < d.Len(); i += size {
		batches = append(batches, &Dataset{
			Images: d.Images[i*pixels : (i+size)*pixels],
			Labels: d.Labels[i : i+size],
		})
	}
	return batches, nil
}

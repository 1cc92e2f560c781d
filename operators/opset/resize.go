package opset

import (
	"fmt"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// resize holds Resize, Upsample, GridSample, AffineGrid.
var resize = family{
	"Resize":     {{11, scalesOfResize}, {13, halfPixelForNearest}},
	"Upsample":   {{7, sidesOfUpsample}, {9, scalesOfUpsample}, {10, upsampleToResize}},
	"GridSample": {{20, nameGridSampleMode}},
}

// asymmetric are the coordinates and the rounding of Upsample and of the first
// Resize.
func asymmetric() []graph.Attribute {
	return []graph.Attribute{graph.A("coordinate_transformation_mode", "asymmetric"), graph.A("nearest_mode", "floor")}
}

func scalesOfResize(_ *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	n.Inputs = []*graph.Value{n.Input(0), nil, n.Input(1)}
	for _, a := range asymmetric() {
		n.Set(a)
	}
	return n.Outputs, nil
}

// halfPixelForNearest: tf_half_pixel_for_nn, dropped in version 13, has
// coordinates half an element behind those of half_pixel. Where another way of
// rounding makes up for that, it is used; else the legacy Resize knows them.
func halfPixelForNearest(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	if n.Text("coordinate_transformation_mode", "half_pixel") != "tf_half_pixel_for_nn" {
		return n.Outputs, nil
	}
	rounding, ok := map[string]string{"floor": "round_prefer_ceil", "round_prefer_floor": "ceil"}[n.Text("nearest_mode", "round_prefer_floor")]
	if !ok || n.Text("mode", "nearest") != "nearest" {
		return b.Node(Legacy, n.Op, n.Inputs, 1, n.Attributes...), nil
	}
	n.Set(graph.A("coordinate_transformation_mode", "half_pixel"))
	n.Set(graph.A("nearest_mode", rounding))
	return n.Outputs, nil
}

func sidesOfUpsample(_ *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	scales := []float32{1, 1, n.Float("height_scale", 1), n.Float("width_scale", 1)}
	n.Attributes = append(n.Without("height_scale", "width_scale"), graph.A("scales", scales))
	if n.Text("mode", "nearest") == "bilinear" {
		n.Set(graph.A("mode", "linear"))
	}
	return n.Outputs, nil
}

func scalesOfUpsample(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	scales := n.Floats("scales")
	if scales == nil {
		return nil, fmt.Errorf("attribute scales is missing")
	}
	n.Attributes = n.Without("scales")
	n.Inputs = []*graph.Value{n.Input(0), b.Const(tensor.Of(scales))}
	return n.Outputs, nil
}

func upsampleToResize(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	in := []*graph.Value{n.Input(0), nil, n.Input(1)}
	return []*graph.Value{b.Op("Resize", in, append(asymmetric(), n.Attributes...)...)}, nil
}

// nameGridSampleMode: the modes had the names that they have in two dimensions.
func nameGridSampleMode(_ *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	if name, ok := map[string]string{"bilinear": "linear", "bicubic": "cubic"}[n.Text("mode", "bilinear")]; ok {
		n.Set(graph.A("mode", name))
	}
	return n.Outputs, nil
}

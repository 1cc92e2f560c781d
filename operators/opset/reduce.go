package opset

// reduce holds ReduceSum and its kin, ArgMax, ArgMin, CumSum, CumProd.
var reduce = family{
	"ReduceSum":       {{13, intsToInput("axes", 1)}},
	"ReduceMean":      {{18, intsToInput("axes", 1)}},
	"ReduceProd":      {{18, intsToInput("axes", 1)}},
	"ReduceMax":       {{18, intsToInput("axes", 1)}},
	"ReduceMin":       {{18, intsToInput("axes", 1)}},
	"ReduceL1":        {{18, intsToInput("axes", 1)}},
	"ReduceL2":        {{18, intsToInput("axes", 1)}},
	"ReduceLogSum":    {{18, intsToInput("axes", 1)}},
	"ReduceLogSumExp": {{18, intsToInput("axes", 1)}},
	"ReduceSumSquare": {{18, intsToInput("axes", 1)}},
}

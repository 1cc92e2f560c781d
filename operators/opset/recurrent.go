package opset

// recurrent holds RNN, GRU, LSTM.
var recurrent = family{}

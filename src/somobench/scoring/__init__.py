"""From predictions to scores, a headline and the record that proves them."""

"""What lies in a delivery of ERA5: files of any kind, brought to one shape."""

"""The resources of DICOMweb; they translate and delegate."""

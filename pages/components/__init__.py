"""What pages share. Beside the pages, the only code that imports streamlit."""

"""What is learnt with libraries: streams watched by river, contributions told apart by shap."""
